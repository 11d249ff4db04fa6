"""Everything that the columns page and its live fragments show, from one place, so that they never differ."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.connections.models import Connection, ConnectionState
from tagsync.imports.drafts.sheet_view import SheetView
from tagsync.imports.models import ImportJob
from tagsync.imports.models.choices import HiddenRows
from tagsync.imports.problems import Sentence, blocked
from tagsync.mapping.rows import Checked
from tagsync.web.columns.examples import matching_examples, operation_examples, telling_row
from tagsync.web.columns.first_request import first_request, look_at, orders
from tagsync.web.columns.forms import ColumnsForm, shown_reading
from tagsync.web.columns.header import header_choices, header_question
from tagsync.web.columns.questions import hidden_rows_choice, reading_questions
from tagsync.web.columns.saved import Saved, shown_time
from tagsync.web.columns.settings_form import SettingsForm
from tagsync.web.columns.sheet_columns import ColumnCard, column_cards, folded, preview_rows, standing
from tagsync.web.columns.sight import as_seen, look_as_seen
from tagsync.web.columns.summary import summary
from tagsync.web.filters import number_in


class Choice(NamedTuple):
    """One radio card. `example`: what the choice does to a row of this file, "" while none can be sent; `mark`: a word
    beside the title."""

    value: str
    title: str
    text: str
    checked: bool
    example: str = ""
    is_warning: bool = False
    mark: str = ""


def page_context(
    person: Person,
    job: ImportJob,
    view: SheetView,
    columns: ColumnsForm,
    settings: SettingsForm,
    saved: Saved,
    *,
    complain: bool = True,
) -> dict[str, Any]:
    """`complain`: show the errors of bound forms; while somebody is still choosing, notes at the columns are enough."""
    chosen = columns.chosen()
    connection = _connection(settings)
    operation, matching = str(settings["operation"].value()), str(settings["matching"].value())
    seen = as_seen(person, job, view, chosen)
    cards = column_cards(seen, columns)
    hidden_rows = hidden_rows_choice(view, columns)
    meant = [row for row in view.body if not row.hidden or (hidden_rows and hidden_rows.chosen == HiddenRows.SEND)]
    look = look_as_seen(person, job, look_at(meant, chosen, columns.chosen_tags()))
    example = telling_row(look.sendable)
    questions = reading_questions(job, seen)
    state = standing(chosen, columns.chosen_tags(), cards)
    return {
        **_in_tables(cards),
        "job": job,
        "saved": saved,
        "saved_at": shown_time(job.saved_at),
        "view": view,
        "of_reading": shown_reading(job),
        "columns_form": columns,
        "settings_form": settings,
        "errors": _errors(columns, settings) if complain else [],
        "reading_questions": questions,
        "open_questions": [question for question in questions if question.is_open],
        "hidden_rows": hidden_rows,
        "used_selects": _used_selects(columns, cards),
        "standing": state,
        "summary": summary(operation, matching, connection, cards, state),
        "header_choices": header_choices(seen),
        "header_question": header_question(view, seen),
        "headers_in_doubt": _headers_in_doubt(view),
        "preview": preview_rows(seen),
        "connections": _connections(),
        "connection": connection,
        "blocked_because": _blocked_because(connection),
        "operations": _operations(operation, example),
        "matchings": _matchings(matching, connection, example),
        "way_two_begins": orders(connection)[2].partition(" → ")[0],
        "first": first_request(look, connection, operation, matching),
    }


def _in_tables(cards: list[ColumnCard]) -> dict[str, Any]:
    quiet = folded(cards)
    return {
        "cards": cards,
        "shown_cards": [card for card in cards if card not in quiet],
        "folded_cards": quiet,
    }


def _headers_in_doubt(view: SheetView) -> list[str]:
    """Names that several columns have: which of them is meant must be seen by their values."""
    times = Counter(suggestion.header for suggestion in view.suggestions if suggestion.header)
    return [header for header, number in times.items() if number > 1]


def _errors(columns: ColumnsForm, settings: SettingsForm) -> list[tuple[str, str]]:
    """(id of the field or "", sentence), for the summary above the form."""
    found = [("", str(error)) for error in columns.non_field_errors()]
    for form in (columns, settings):
        bound = (form[name] for name in form.errors if name in form.fields)
        found += [
            (field.auto_id, _("%(field)s: %(error)s") % {"field": field.label, "error": error})
            for field in bound
            for error in field.errors
        ]
    return found


def _used_selects(columns: ColumnsForm, cards: list[ColumnCard]) -> list[str]:
    """The selects whose suggestions were just accepted, to be put in place of those on the page."""
    used = str(columns.data.get("use", ""))
    accepted = [card.select for card in cards if used in ("all", str(card.column))]
    return [select.as_widget(attrs={"hx-swap-oob": "true"}) for select in accepted]


def _connection(settings: SettingsForm) -> Connection | None:
    chosen = number_in(str(settings["connection"].value() or ""))
    return Connection.objects.usable().filter(pk=chosen).first()


def _connections() -> list[tuple[Connection, str]]:
    """Each with its line in the select."""
    return [(connection, _connection_line(connection)) for connection in Connection.objects.usable()]


def _connection_line(connection: Connection) -> str:
    if connection.state == ConnectionState.BLOCKED:
        return _("%(name)s (blocked)") % {"name": connection.name}
    if connection.is_sandbox:
        return _("%(name)s (test platform)") % {"name": connection.name}
    return connection.name


def _blocked_because(connection: Connection | None) -> Sentence | None:
    if connection is None or connection.state != ConnectionState.BLOCKED:
        return None
    return blocked(connection)


def _operations(chosen: str, row: Checked | None) -> list[Choice]:
    add = _("The customers get the tags of their row. Tags they have already stay.")
    delete = _(
        "The customers lose the tags of their row on the platform. An undo can add them again, but not quite as before."
    )
    examples = operation_examples(row)
    return [
        Choice("add", _("Add tags"), add, chosen == "add", examples.get("add", "")),
        Choice("delete", _("Remove tags"), delete, chosen == "delete", examples.get("delete", ""), is_warning=True),
    ]


def _matchings(chosen: str, connection: Connection | None, row: Checked | None) -> list[Choice]:
    spelt_out = orders(connection)
    fuzzy = _("Identifiers are tried in this order: %(order)s.")
    texts = {
        "fuzzy-1": (_("Fuzzy matching, way 1"), fuzzy % {"order": spelt_out[1]}),
        "fuzzy-2": (_("Fuzzy matching, way 2"), fuzzy % {"order": spelt_out[2]}),
        "exact": (_("Exact matching"), _("The platform takes only customers that the identifiers match exactly.")),
        "none": (
            _("Do not match"),
            _("The rows are not matched against existing customers; the platform decides what happens to them."),
        ),
    }
    examples = matching_examples(row, connection)
    marks = {"fuzzy-1": _("Usual")}
    return [
        Choice(value, title, text, chosen == value, examples.get(value, ""), mark=marks.get(value, ""))
        for value, (title, text) in texts.items()
    ]
