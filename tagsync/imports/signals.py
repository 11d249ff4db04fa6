"""Tells the rooms above, which this one must not know, what became of an import."""

from django.dispatch import Signal

# Sent inside the transaction of each move by the class ImportJob, with `job`, as it is after it, and `event`, what was
# written of it.
moved = Signal()
