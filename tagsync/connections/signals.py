"""Tells the rooms above, which this one must not know, that a connection was blocked or repaired."""

from django.dispatch import Signal

# Sent inside the transaction of the change, once per change, by the class Connection; with `connection`, as it is now,
# and `by`: the person who repaired it, or None.
state_changed = Signal()
