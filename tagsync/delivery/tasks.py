"""The two functions that RQ may call. Doorways: an id in, one call, out.

Everything else is read from the database.
"""

from __future__ import annotations

import logging
from typing import Any

from rq.timeouts import JobTimeoutException

from tagsync.database import attempt_after_error, is_of_database
from tagsync.delivery import runner
from tagsync.delivery.leases import claim_check, release_check, renew
from tagsync.imports.check.agreement import end_check
from tagsync.imports.check.staging import Interrupted, stage
from tagsync.imports.locking import FenceLost
from tagsync.imports.models import ImportJob
from tagsync.imports.states import MoveRefused
from tagsync.log_lines import about_import
from tagsync.queueing.shutdown import is_shutting_down
from tagsync.schema import only_when_it_fits
from tagsync.sheets.errors import Unreadable

log = logging.getLogger(__name__)


@only_when_it_fits
def run_check(job_id: int) -> None:
    """Check an import, if it waits for that."""
    with about_import(job_id):
        _run_check(job_id)


def _run_check(job_id: int) -> None:
    job = claim_check(job_id)
    if job is None:
        return
    try:
        _check(job)
    except (Interrupted, MoveRefused):
        release_check(job)
    except Exception as error:
        if not is_of_database(error):
            raise
        # Nothing is said about the file, and nothing of the error, it may quote a cell: the check is done again.
        log.warning("the check of import %s was interrupted by its database: %s", job.pk, type(error).__name__)
        attempt_after_error(lambda: release_check(job))


@only_when_it_fits
def run_import(job_id: int) -> None:
    """Work on an import for a slice, if it may be run now."""
    with about_import(job_id):
        try:
            runner.run_slice(job_id)
        except (FenceLost, MoveRefused):
            log.warning("import %s was taken over while a slice of it ran", job_id)


def _check(job: ImportJob) -> None:
    def goes_on() -> bool:
        return renew(job) is not None and not is_shutting_down()

    try:
        stage(job, goes_on)
    except (Interrupted, JobTimeoutException):
        raise
    except Exception as error:
        if is_of_database(error):
            raise
        job.unreadable(*_cause(job, error))
    else:
        end_check(job)


def _cause(job: ImportJob, error: Exception) -> tuple[str, dict[str, Any]]:
    """Code and parameters of what is wrong with the file."""
    if isinstance(error, Unreadable):
        return error.code, error.params
    # The outer edge: whatever nobody foresaw becomes an answer for the page instead of an endless retry.
    # Its text is not logged, it may quote a cell.
    log.error("the check of import %s failed: %s", job.pk, type(error).__name__)
    return "reader_failed", {}
