"""Tells the rooms above, which this one must not know, what became of an import."""

from django.dispatch import Signal

# Sent inside the transaction of each move by the class ImportJob, with `job`, as it is after it, and `event`, what was
# written of it.
moved = Signal()

# Sent inside the transaction in which an import's file is deleted, with `job`: whoever has files of it deletes those.
deleted = Signal()

# Sent by the keeper in each of its rounds: whoever has work that nobody does rings for it, or tells of it. With
# `wait_reason`: import → a code of `imports.problems`, what it waits for.
keeper_round = Signal()

# Sent by the keeper's second loop, for whoever is slow because of other machines: letters are sent.
letters_due = Signal()

# Sent by the keeper once an hour: whoever keeps what is over deletes it.
keeper_cleans = Signal()

# Sent by whoever writes workbooks in the background, inside the transaction in which one is over: with `by`, who asked
# for it, `export`, its number, `name`, `rows`, and `cause`, a code of `imports.problems`, "" when it can be fetched.
workbook_over = Signal()
