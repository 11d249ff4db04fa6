"""How a connection is doing, as its list and its page tell it: silent, or slowed down. Changes nothing."""

from __future__ import annotations

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tagsync.connections.models import Connection
from tagsync.web.record.alerts import clock


def condition_of(connection: Connection) -> list[str]:
    """What is not as usual, a sentence each."""
    told = []
    if connection.silent_since:
        told.append(_("has not answered since %(time)s") % {"time": clock(connection.silent_since)})
    if connection.slow_factor > 1:
        told.append(_slowed(connection))
    return told


def _slowed(connection: Connection) -> str:
    calls = connection.calls_per_period / connection.slow_factor
    seconds = connection.period_seconds
    if calls < 1:
        # "0.3 calls in 5 s" is hard to imagine; one call in 16 s is not.
        calls, seconds = 1, seconds / calls
    text = ngettext(
        "asked to slow down: now %(calls)s call in %(seconds)s s",
        "asked to slow down: now %(calls)s calls in %(seconds)s s",
        1 if calls == 1 else 2,
    )
    return text % {"calls": floatformat(calls, -1), "seconds": floatformat(seconds, -1)}
