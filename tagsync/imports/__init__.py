"""What was asked, and what happened.

Lives here: imports, their rows, problems, calls and events; the states and their allowed moves;
staging (the check), outcomes and counts.
Must not be here: HTTP, RQ, or a page. Delivery tells this room what became of rows; web shows it.
"""
