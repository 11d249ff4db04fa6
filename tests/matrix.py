"""Tests of many cases: the everyday command tries a few of them, CI all."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def most_slow(cases: Iterable[Any], *, at_once: Collection[Any]) -> list[Any]:
    """`cases`, of which all but `at_once` are marked as slow."""
    cases = list(cases)
    assert set(at_once) <= set(cases)
    return [case if case in at_once else pytest.param(case, marks=pytest.mark.slow) for case in cases]


def one_in(number: int, cases: Iterable[Any]) -> list[Any]:
    """`cases`, of which all but each so-many-th are marked as slow."""
    return [
        case if place % number == 0 else pytest.param(case, marks=pytest.mark.slow) for place, case in enumerate(cases)
    ]
