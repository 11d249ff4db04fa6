"""Whether this process has been asked to leave. The runner reads it between calls; only a signal handler sets it."""

_asked = False


def is_shutting_down() -> bool:
    """True from the moment this process was asked to end: record the calls in flight, begin none, return."""
    return _asked


def ask_to_shut_down() -> None:
    global _asked
    _asked = True
