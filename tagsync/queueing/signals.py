"""What queueing tells whoever wants to know."""

from django.dispatch import Signal

# By every process that works, again and again while it does. `role`: the queue that it works on, "keeper" or "web".
alive = Signal()
