"""The records of imports: what was asked (job), its rows and their problems (row), the calls made (delivery).

Around them: remembered columns (mapping), and what was repaired before the start (repair);
and the hold after the database was restored from a backup (restore).
"""

from tagsync.imports.models.delivery import Delivery
from tagsync.imports.models.job import ImportJob, JobEvent
from tagsync.imports.models.mapping import SavedMapping
from tagsync.imports.models.repair import Repair, RepairedRow
from tagsync.imports.models.restore import HighWaterMark, RestoreHold
from tagsync.imports.models.row import ImportRow, JobTag, Problem

__all__ = [
    "Delivery",
    "HighWaterMark",
    "ImportJob",
    "ImportRow",
    "JobEvent",
    "JobTag",
    "Problem",
    "Repair",
    "RepairedRow",
    "RestoreHold",
    "SavedMapping",
]
