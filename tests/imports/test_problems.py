"""Every code that a room below can give has a sentence, in whole and with its parameters."""

from __future__ import annotations

import pytest
from django.utils import translation

from tagsync.imports.check.corrections import OF_THE_ROW
from tagsync.imports.problems import TEXTS, change_made, sentence
from tagsync.imports.problems.sending import CONNECTIONS
from tagsync.mapping.cleaning import CHANGES
from tagsync.mapping.rows import CODES as ROW_CODES
from tagsync.sheets.errors import CODES as FILE_CODES
from tagsync.tuzhan.outcomes import BLOCKING_CODES, BLOCKING_STATUSES, PLACES, Blocked


# Those of a row as a whole are found beside other rows and other imports.
@pytest.mark.parametrize("code", sorted({*ROW_CODES, *FILE_CODES, *OF_THE_ROW}))
def test_it_has_a_sentence_for_every_code(code: str) -> None:
    assert code in TEXTS


def test_it_has_a_sentence_for_every_reason_to_block() -> None:
    reasons = {*BLOCKING_CODES.values(), *BLOCKING_STATUSES.values(), "redirected", "certificate"}
    reasons |= {reason for kind, reason in PLACES.values() if kind is Blocked}
    assert {f"connection_{reason}" for reason in reasons} <= set(CONNECTIONS)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("code", [*TEXTS, "never_heard_of"])
def test_it_fails_for_no_code_without_parameters(code: str, language: str) -> None:
    with translation.override(language):
        said = sentence(code)
    assert said.title and said.advice
    assert "%(" not in said.title + said.advice


def test_it_puts_the_field_into_the_sentence() -> None:
    with translation.override("en"):
        assert sentence("error_cell", {"field": "phone"}).title == "Phone: Excel shows an error such as #N/A"


@pytest.mark.parametrize("code", CHANGES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_has_words_for_every_change_of_cleaning(code: str, language: str) -> None:
    with translation.override(language):
        said = change_made(code, "phone").title
    assert said
    assert "%" not in said
