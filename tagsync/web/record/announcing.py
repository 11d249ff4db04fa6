"""What a screen reader is told while an import runs: few sentences, and a new one only when something new happened."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from tagsync.imports.models import ImportJob
from tagsync.imports.states import ENDED, JobStatus
from tagsync.web.looks import JOB_LOOKS
from tagsync.web.record.standing import Standing

# Who opens a page of last week is not told again what its headline says.
JUST_ENDED = timedelta(seconds=60)


def announcement(job: ImportJob, standing: Standing, headline: str) -> str:
    """The sentence of this moment; it changes at the start, each 25 %, the first failure and the end."""
    if job.status in ENDED:
        just = job.ended_at is not None and timezone.now() - job.ended_at < JUST_ENDED
        return headline if just else ""
    # Between two slices of work an import is queued for a moment: nothing to tell.
    between = job.shown_status == JobStatus.QUEUED and standing.settled > 0
    if job.shown_status != JobStatus.RUNNING and not between:
        return _("The import is now “%(status)s”.") % {"status": JOB_LOOKS[job.shown_status].word}
    quarter = standing.percent // 25 * 25
    if not quarter:
        return _("Sending has begun; some rows failed.") if job.failed else _("Sending has begun.")
    if job.failed:
        return _("At least %(percent)s%% of the rows are settled, some with a failure.") % {"percent": quarter}
    return _("At least %(percent)s%% of the rows are settled, without a failure.") % {"percent": quarter}
