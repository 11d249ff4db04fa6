"""What the words on the pages mean: one entry per word, with the anchor that the small "?" beside it leads to.

The help page and the links are both built from here, so that no link leads nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Entry:
    """`question` is the heading, and the name of the links that lead here. `steps` are done one after the other."""

    anchor: str
    question: Text
    says: tuple[Text, ...]
    steps: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Chapter:
    title: Text
    entries: tuple[Entry, ...]


_WHO = Chapter(
    _("Who the customer is"),
    (
        Entry(
            "openid",
            _("What is an openid?"),
            (
                _(
                    "WeChat's name for one customer in one official account or mini program: about 28 letters "
                    "and digits."
                ),
                _("The same customer has another openid in each account, so it must come from the account meant."),
            ),
        ),
        Entry(
            "unionid",
            _("What is a unionid?"),
            (
                _("WeChat's name for one customer across all accounts of your company: about 28 letters and digits."),
                _("Where you have both, it is the surer of the two."),
            ),
        ),
        Entry(
            "customer-id",
            _("What is a customer ID?"),
            (
                _(
                    "The number of the customer on 兔展, as a rule 17 or 18 digits. You find it in exports of "
                    "the platform."
                ),
            ),
        ),
        Entry(
            "text",
            _("Why must IDs be text in Excel, and how?"),
            (
                _(
                    "Excel keeps only 15 digits of a number. Of a customer ID with 18 the last three become "
                    "zeros, and it "
                    "may then be somebody else's. tagsync refuses such cells instead of guessing."
                ),
                _("Digits that are lost do not come back by formatting. So make the columns text first:"),
            ),
            (
                _("Select the columns, and choose “Text” as the number format (Home, Number)."),
                _("Then paste the IDs, “values only”. A small green corner in the cells is right."),
                _(
                    "From a CSV: do not double-click it. Choose Data, From Text/CSV, and the type “Text” for "
                    "the columns. "
                    "Or upload the CSV itself: tagsync reads it without Excel."
                ),
            ),
        ),
    ),
)
_HOW = Chapter(
    _("How customers are found"),
    (
        Entry(
            "matching",
            _("What do fuzzy, exact and no matching mean?"),
            (
                _(
                    "Fuzzy: the platform tries the identifiers of a row one after the other, until one leads "
                    "to a customer. "
                    "This is the usual choice."
                ),
                _("Exact: the platform takes only a customer whom the identifiers meet exactly."),
                _(
                    "Do not match: the rows are not looked up among existing customers; the platform decides "
                    "what becomes "
                    "of them."
                ),
            ),
        ),
        Entry(
            "ways",
            _("What are identify way 1 and way 2?"),
            (
                _(
                    "The order in which fuzzy matching tries the identifiers. It matters only for rows with "
                    "several of them."
                ),
                _("Way 1: unionid, then openid, then phone, then customer ID."),
                _(
                    "Way 2: as a rule phone, then unionid, then openid, then customer ID. On some platforms it "
                    "begins with "
                    "the customer ID; the columns page shows the order that counts for your connection."
                ),
            ),
        ),
        Entry(
            "trial",
            _("What is a trial?"),
            (
                _(
                    "The first 10 rows are sent, then the import waits for you. Look at these customers on 兔展; "
                    "if all is well, press “Resume”, else stop it."
                ),
            ),
        ),
    ),
)
_OUTCOMES = Chapter(
    _("What became of a row"),
    (
        Entry(
            "accepted",
            _("What does “accepted by the platform” mean?"),
            (
                _(
                    "The platform took the row and answered with success. It works on it afterwards and does "
                    "not say for each "
                    "row how that ended: a customer it does not know gets no tag. So we say “accepted”, not “tagged”."
                ),
            ),
        ),
        Entry(
            "remarks",
            _("What does “accepted with remarks” mean?"),
            (
                _(
                    "The platform answered with success, and its answer speaks of failures all the same: a number "
                    "of failed rows, a list of them, another error code. The code decides, so the rows stay accepted."
                ),
                _(
                    "Its words stand at the call and at each row of it. Look at these customers on the platform, and "
                    "import again those whose tags are missing."
                ),
            ),
        ),
        Entry(
            "rejected",
            _("What does “rejected” mean?"),
            (
                _(
                    "The platform refused the row. Its reason stands at the row. Repair the sheet and upload "
                    "it again, "
                    "or have an admin retry when the reason lies elsewhere."
                ),
            ),
        ),
        Entry(
            "in-doubt",
            _("What does “in doubt” mean?"),
            (
                _(
                    "The row was sent, but no readable answer came: it may have been taken or not. Adding or "
                    "deleting the same "
                    "tag again does no harm as a rule, so an admin can retry these rows."
                ),
            ),
        ),
        Entry(
            "may-have-been-applied",
            _("What does “may have been applied” mean?"),
            (
                _(
                    "A call with the row got no answer, so nobody knows whether the platform took it. What came later, "
                    "for instance a refusal or a newer import, tells nothing of that call. Look on the platform "
                    "whether the customer has the tags; an undo can take these rows back as well."
                ),
            ),
        ),
        Entry(
            "superseded",
            _("What does “superseded” mean?"),
            (
                _(
                    "A newer import did the opposite to the same customer and tag. Sending this row now would "
                    "undo the newer one, so it was set aside. An admin can send it anyway; the page says before "
                    "what that undoes."
                ),
            ),
        ),
        Entry(
            "not-sent",
            _("What does “not sent” mean?"),
            (
                _(
                    "The import ended before the row's turn, because somebody stopped it or something blocked "
                    "it. Nothing of "
                    "the row has reached the platform. “Resume” sends it."
                ),
            ),
        ),
        Entry(
            "to-fix",
            _("What does “to fix” mean?"),
            (
                _(
                    "The check found something wrong with the row, so it is never sent; the other rows do not "
                    "wait for it. "
                    "Download the failed rows, correct them, and upload that workbook: tagsync knows where it "
                    "belongs."
                ),
            ),
        ),
        Entry(
            "duplicate",
            _("What do “duplicate” and “left out” mean?"),
            (
                _("Duplicate: an earlier row has the same identifiers and the same tags, so one of them is enough."),
                _("Left out: a person decided that this row is not to be sent, or it was accepted before."),
            ),
        ),
    ),
)
_STUCK = Chapter(
    _("When it does not go on"),
    (
        Entry(
            "stuck",
            _("What can I do when an import is stuck?"),
            (_("Its page says what it waits for. You may close the page: the import goes on without you."),),
            (
                _("“Queued” or “Waiting for the platform”: nothing to do, it goes on by itself. The page says when."),
                _(
                    "“Blocked”: read the sentence on its page. Token, permission and address are repaired by "
                    "an admin under "
                    "Connections; afterwards the import goes on by itself."
                ),
                _("A yellow line on top says that no worker is running: tell whoever runs tagsync."),
                _("Started by mistake: “Stop”. What was sent stays sent, the rest is not sent."),
                _("Never upload the sheet again because it takes long: the rows are kept, and none is forgotten."),
            ),
        ),
    ),
)

CHAPTERS = (_WHO, _HOW, _OUTCOMES, _STUCK)
ENTRIES = {entry.anchor: entry for chapter in CHAPTERS for entry in chapter.entries}
# The status of a row → where its word is explained.
ANCHORS = {
    "in_doubt": "in-doubt",
    "to_fix": "to-fix",
    "not_sent": "not-sent",
    "waiting": "stuck",
    "left_out": "duplicate",
}
