"""The questions that the help page answers, by chapter: headings there, and names of the small "?" that lead to them.

The answers are templates, one a chapter. Links and headings are both built from here, so that no link leads nowhere.
"""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Chapter(NamedTuple):
    """`template`: the answers; `questions`: by anchor."""

    title: Promise
    template: str
    questions: dict[str, Promise]


CHAPTERS = (
    Chapter(
        _("Who the customer is"),
        "help/_who.html",
        {
            "openid": _("What is an openid?"),
            "unionid": _("What is a unionid?"),
            "customer-id": _("What is a customer ID?"),
            "text": _("Why must IDs be text in Excel, and how?"),
        },
    ),
    Chapter(
        _("How customers are found"),
        "help/_how.html",
        {
            "matching": _("What do fuzzy, exact and no matching mean?"),
            "ways": _("What are identify way 1 and way 2?"),
            "trial": _("What is a trial?"),
        },
    ),
    Chapter(
        _("What happened to a row"),
        "help/_outcomes.html",
        {
            "accepted": _("What does “accepted by the platform” mean?"),
            "remarks": _("What does “accepted with remarks” mean?"),
            "rejected": _("What does “rejected” mean?"),
            "in-doubt": _("What does “in doubt” mean?"),
            "may-have-been-applied": _("What does “may have been applied” mean?"),
            "superseded": _("What does “superseded” mean?"),
            "not-sent": _("What does “not sent” mean?"),
            "to-fix": _("What does “to fix” mean?"),
            "duplicate": _("What do “duplicate” and “left out” mean?"),
        },
    ),
    Chapter(
        _("When an import does not continue"),
        "help/_stuck.html",
        {
            "stuck": _("What can I do when an import is stuck?"),
        },
    ),
)
QUESTIONS = {anchor: question for chapter in CHAPTERS for anchor, question in chapter.questions.items()}
# The status of a row → where its word is explained.
ANCHORS = {
    "in_doubt": "in-doubt",
    "to_fix": "to-fix",
    "not_sent": "not-sent",
    "waiting": "stuck",
    "left_out": "duplicate",
}
