"""Passwords that tagsync makes up for a person."""

from __future__ import annotations

import secrets

# Without look-alikes (0 o, 1 l i): people read it aloud. 30 ** 16 is 78 bits.
CHARACTERS = "abcdefghjkmnpqrstuvwxyz2345679"
GROUPS, GROUP_CHARACTERS = 4, 4


def made_up() -> str:
    """For example `k3fd-9wxe-2mht-pq7c`."""
    groups = ("".join(secrets.choice(CHARACTERS) for _ in range(GROUP_CHARACTERS)) for _ in range(GROUPS))
    return "-".join(groups)
