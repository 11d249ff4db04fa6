"""What a retry would send and what not, before anybody presses the button."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tagsync.accounts.models import Person
from tagsync.connections.models import ConnectionState
from tagsync.imports.fixed_rows import taken_up_by_status
from tagsync.imports.followups.retry import Selection, counted_by_status
from tagsync.imports.models import ImportJob
from tagsync.imports.problems import Sentence, sentence
from tagsync.imports.sending.to_send import rows_to_send
from tagsync.imports.states import ENDED, RETRYABLE, RowStatus
from tagsync.web.record.causes import SUPERSEDED, Cause, causes, one_cause
from tagsync.web.record.superseded_by import Newer, undone_by
from tagsync.web.retry.forms import Choice
from tagsync.web.ui.statuses import ROW_LOOKS

CAUSES_SHOWN = 12

REASONS: dict[str, str | Promise] = {
    RowStatus.ACCEPTED: _("Accepted already: never sent twice."),
    RowStatus.REJECTED: _("Not part of this choice."),
    RowStatus.IN_DOUBT: _("In doubt: sent again only if you tick it."),
    RowStatus.SUPERSEDED: _("A newer import did the opposite for these customers: sent only if you choose just them."),
    RowStatus.TO_FIX: _("They have to be fixed in the sheet: upload them as a new import."),
    RowStatus.DUPLICATE: _("The same as an earlier row, which counts for both."),
    RowStatus.LEFT_OUT: _("Left out before the start."),
}


class Rest(NamedTuple):
    status: str
    rows: int
    reason: str


@dataclass(frozen=True)
class Review:
    possible: bool
    connection_blocked: bool
    # why nothing can be sent at all, with what to do
    archived: Sentence | None
    choice: Choice
    rejected: int
    in_doubt: int
    superseded: int
    causes: list[Cause]
    hidden_causes: int
    superseded_causes: list[Cause]
    hidden_superseded: int
    # of this choice: state → rows
    again: dict[str, int]
    # rows in doubt of this choice that the box would add
    in_doubt_of_choice: int
    # the newer imports that the superseded rows of this choice would undo
    undoes: list[Newer]
    # rows without a result that go along with whatever is chosen
    waiting: int
    # all that the button sends, these included
    rows: int
    rest: list[Rest]
    # failed rows that a corrected sheet has brought to the platform, or is about to
    fixed: int

    @property
    def offers_all(self) -> bool:
        """Besides the causes: where there is only one, all rows are the rows of this one."""
        sole = len(self.causes) == 1 and not self.hidden_causes
        return not (sole and self.causes[0].again == self.rejected + self.in_doubt)

    @property
    def offers_all_superseded(self) -> bool:
        sole = len(self.superseded_causes) == 1 and not self.hidden_superseded
        return not (sole and self.superseded_causes[0].superseded == self.superseded)

    @property
    def chosen(self) -> str:
        """The value of the choice that is made, among those that are offered."""
        if self.choice.kind != "all":
            return self.choice.value
        if self.choice.superseded:
            return SUPERSEDED if self.offers_all_superseded else f"{SUPERSEDED}-{self.superseded_causes[0].id}"
        return "all" if self.offers_all else f"problem-{self.causes[0].id}"

    @property
    def alike(self) -> set[int]:
        """Causes with the same words as another one: what the platform said besides tells them apart."""
        words = Counter((cause.sentence.title, cause.code) for cause in self.causes)
        return {cause.id for cause in self.causes if words[cause.sentence.title, cause.code] > 1}


def review(job: ImportJob, person: Person, choice: Choice) -> Review:
    selection = choice.selection()
    again = _counted(job, selection)
    everything = _counted(job, choice.selection(in_doubt=True))
    found = causes(job, sorted(RETRYABLE), shown=CAUSES_SHOWN)
    again_causes = [cause for cause in found.shown if cause.retryable]
    overtaken = causes(job, [RowStatus.SUPERSEDED], shown=CAUSES_SHOWN)
    fixed = taken_up_by_status(job)
    return Review(
        possible=job.status in ENDED,
        connection_blocked=job.connection is not None and job.connection.state == ConnectionState.BLOCKED,
        archived=_archived(job),
        choice=choice,
        rejected=job.count(RowStatus.REJECTED) - fixed[RowStatus.REJECTED],
        in_doubt=job.count(RowStatus.IN_DOUBT) - fixed[RowStatus.IN_DOUBT],
        superseded=job.count(RowStatus.SUPERSEDED),
        causes=again_causes if choice.superseded else _with_chosen(job, again_causes, choice.problem),
        hidden_causes=found.hidden,
        superseded_causes=_with_chosen(job, overtaken.shown, choice.problem) if choice.superseded else overtaken.shown,
        hidden_superseded=overtaken.hidden,
        again=again,
        in_doubt_of_choice=everything.get(RowStatus.IN_DOUBT, 0),
        undoes=undone_by(job, person, selection) if selection and choice.superseded else [],
        waiting=job.count(RowStatus.WAITING),
        rows=rows_to_send(job, chosen=sum(again.values())),
        rest=_not_chosen(rest_of(job, again, fixed)) if choice.superseded else rest_of(job, again, fixed),
        fixed=fixed.total(),
    )


def _archived(job: ImportJob) -> Sentence | None:
    return sentence("connection_archived", {"name": job.connection}) if job.connection_is_archived else None


def _not_chosen(rest: list[Rest]) -> list[Rest]:
    """The box for rows in doubt, and the superseded rows of other causes, are no part of such a choice."""
    chosen_by_themselves = (RowStatus.IN_DOUBT, RowStatus.SUPERSEDED)
    return [
        one._replace(reason=str(REASONS[RowStatus.REJECTED])) if one.status in chosen_by_themselves else one
        for one in rest
    ]


def _counted(job: ImportJob, selection: Selection | None) -> dict[str, int]:
    return counted_by_status(job, selection) if selection else {}


def _with_chosen(job: ImportJob, shown: list[Cause], problem: int | None) -> list[Cause]:
    """A cause that a link names is always among the choices, however small."""
    if problem is None or any(cause.id == problem for cause in shown):
        return shown
    cause = one_cause(job, problem)
    return [*shown, cause] if cause and (cause.retryable or cause.superseded) else shown


def rest_of(job: ImportJob, again: dict[str, int], fixed: Mapping[str, int]) -> list[Rest]:
    """The rows that would not be sent, by state, each with the reason."""
    elsewhere = {state: again.get(state, 0) + fixed.get(state, 0) for state in ROW_LOOKS}
    left = {state: job.count(RowStatus(state)) - elsewhere[state] for state in ROW_LOOKS if state in REASONS}
    return [Rest(state, rows, str(REASONS[state])) for state, rows in left.items() if rows > 0]
