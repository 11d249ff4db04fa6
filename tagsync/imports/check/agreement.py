"""Whether what a check staged agrees with itself and with what was asked: only then its import is ready."""

from __future__ import annotations

import logging

from django.db import transaction

from tagsync.imports.models import ImportJob
from tagsync.imports.sending.counts import counted
from tagsync.imports.states import Act, MoveRefused

log = logging.getLogger(__name__)


def end_check(job: ImportJob) -> None:
    """Make it ready; what the check staged and counted is already written.

    Raises MoveRefused also when rows, sums, tags and what was asked do not agree: then it has to be done again.
    """
    with transaction.atomic():
        mine = ImportJob.objects.select_for_update(no_key=True).filter(pk=job.pk, fence=job.fence)
        locked = mine.filter(asked_sha256=job.asked_sha256).first()
        wrong = disagreement(locked) if locked else "fence"
        if locked and wrong:
            log.error("the check of import %s does not agree with itself: %s", job.pk, wrong)
        if wrong:
            raise MoveRefused(Act.CHECKED, locked.status if locked else job.status)
        job.checked()


def disagreement(job: ImportJob) -> str:
    """What of a staged import contradicts what, "" when all of it agrees. The caller has locked the import."""
    if not job.is_as_asked:
        return "asked"
    if counted(job) != job.counts:
        return "counts"
    return "" if _tags_agree(job) else "tags"


def _tags_agree(job: ImportJob) -> bool:
    """The tags on the page are those that were counted; without a summary there must be none."""
    shown = dict(job.check_summary.get("tags", []))
    kept = dict(job.tags.filter(tag__in=shown).values_list("tag", "rows"))
    number, told = job.tags.count(), job.check_summary.get("tag_count", 0)
    # Of very many tags only the most frequent are kept.
    return kept == shown and (number == told or len(shown) < number < told)
