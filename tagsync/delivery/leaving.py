"""Whether this process has been asked to leave. The runner reads it between calls; only a signal handler sets it."""

_asked = False


def leaving() -> bool:
    """True from the moment this process was asked to end: record the calls in flight, begin none, return."""
    return _asked


def ask_to_leave() -> None:
    global _asked
    _asked = True
