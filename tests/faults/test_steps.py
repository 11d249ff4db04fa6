"""Every name in the tables of the harness is there: a step that moved would strike nothing, and prove nothing."""

from __future__ import annotations

import pytest

from tests.faults.saboteur import QUICK, found
from tests.faults.steps import STEPS


@pytest.mark.parametrize("name", sorted({step.where for step in STEPS.values()} | set(QUICK)))
def test_it_is_there(name: str) -> None:
    found(name)
