"""How a text file is read, and what its evidence does not decide, for people who need not know what an encoding is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tagsync.imports.drafts.sheet_view import SheetView, open_questions
from tagsync.imports.models import ImportJob
from tagsync.imports.models.choices import HiddenRows
from tagsync.sheets.reading import Question
from tagsync.web.columns.forms import ColumnsForm
from tagsync.web.ui.numbers import thousands

NAMES: Mapping[str, Mapping[str, str | Promise]] = {
    "encoding": {
        "utf-8": "UTF-8",
        "gb18030": gettext_lazy("GBK / GB18030 (Excel and WPS on Chinese Windows)"),
        "big5": gettext_lazy("Big5 (traditional Chinese)"),
        "utf-16": "UTF-16",
        "utf-16-le": "UTF-16 LE",
        "utf-16-be": "UTF-16 BE",
    },
    "delimiter": {
        ",": gettext_lazy("Comma"),
        "\t": gettext_lazy("Tab"),
        ";": gettext_lazy("Semicolon"),
        "|": gettext_lazy("Vertical bar"),
    },
}
TITLES: Mapping[str, tuple[str | Promise, str | Promise]] = {
    "encoding": (
        gettext_lazy("Which of these can you read?"),
        gettext_lazy(
            "Chinese characters are written into text files in several ways. Choose the one that reads correctly."
        ),
    ),
    "delimiter": (
        gettext_lazy("What separates the columns?"),
        gettext_lazy("Choose the one that splits the lines into the columns you know."),
    ),
}


class Answer(NamedTuple):
    """`samples`: what the file says when it is read like this."""

    value: str
    name: str
    samples: list[str]


class ReadingQuestion(NamedTuple):
    """`is_open`: nothing is read before it is answered. `holds`: the answer that is used, "" while open; `said`: its
    name."""

    code: str
    title: str
    text: str
    is_open: bool
    holds: str
    said: str
    answers: list[Answer]


class HiddenRowsChoice(NamedTuple):
    """`error`: why what was sent in does not do."""

    title: str
    answers: list[Answer]
    chosen: str
    error: str


def reading_questions(job: ImportJob, view: SheetView) -> list[ReadingQuestion]:
    still_open = open_questions(job, view)
    said = job.reading._asdict()
    return [_of(question, said[question.code], question in still_open) for question in view.preview.questions]


def _of(question: Question, said: str, is_open: bool) -> ReadingQuestion:
    holds = said or question.found
    samples = question.facts["samples"]
    answers = [
        Answer(value, _name(question.code, value), list(samples.get(value, ())))
        for value in dict.fromkeys((*question.answers, *([holds] if holds else ())))
    ]
    title, text = TITLES[question.code]
    said = _name(question.code, holds) if holds else ""
    return ReadingQuestion(question.code, str(title), str(text), is_open, holds, said, answers)


def _name(code: str, value: str) -> str:
    return str(NAMES[code].get(value, value))


def hidden_rows_choice(view: SheetView, form: ColumnsForm) -> HiddenRowsChoice | None:
    """None when there is nothing to choose."""
    if "hidden_rows" not in form.fields:
        return None
    hidden, shown, whole = view.hidden_rows
    title, names = _("Some rows are hidden in this sheet"), {value: str(label) for value, label in HiddenRows.choices}
    if whole and hidden:
        title = _counted(
            ngettext("%(rows)s row is hidden in this sheet", "%(rows)s rows are hidden in this sheet", hidden), hidden
        )
        only = ngettext("Only the %(rows)s row that is shown", "Only the %(rows)s rows that are shown", shown)
        names = {
            HiddenRows.SKIP.value: _counted(only, shown),
            HiddenRows.SEND.value: _counted(_("All %(rows)s rows, including hidden ones"), hidden + shown),
        }
    bound = form["hidden_rows"]
    answers = [Answer(value, name, []) for value, name in names.items()]
    return HiddenRowsChoice(title, answers, str(bound.value() or ""), " ".join(map(str, bound.errors)))


def _counted(text: str, rows: int) -> str:
    return text % {"rows": thousands(rows)}
