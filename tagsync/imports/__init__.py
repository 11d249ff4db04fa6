"""What was asked, and what happened.

Lives here: imports, their rows, problems, calls and events (models), the states and their allowed moves; what is done
before the start (drafts, check), while it is sent (sending), and afterwards (followups); sentences for it (problems).
Must not be here: HTTP, RQ, or a page. Delivery tells this room what became of rows, web shows it; rooms above that want
to hear of a move listen to its signals.
"""
