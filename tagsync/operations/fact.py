"""What a fact of operation is, whoever finds it and whoever tells it."""

from __future__ import annotations

from typing import NamedTuple


class Fact(NamedTuple):
    """`check`: its name, for machines. `says`: what was found. `do`: what to do, "" when all is well. `run`: the
    command that does it, said after `do` and in no language."""

    check: str
    ok: bool
    says: str
    do: str = ""
    run: str = ""

    @property
    def advice(self) -> str:
        return f"{self.do} {self.run}".strip()
