"""Tells the rooms above, which this one must not know, what became of a connection."""

from django.dispatch import Signal

# Sent inside the transaction of the change, once per change, by the class Connection; with `connection`, as it is now,
# and `by`: the person who repaired it, or None.
state_changed = Signal()

# Sent inside the transaction of the change when calls per period or the period are others, with `connection`: whoever
# waits for a slot of the old pace waits for nothing.
pace_changed = Signal()
