"""The records of imports: what was asked (job), its rows and their problems (row), the calls made (delivery).

Around them: remembered columns (mapping), and what was repaired before the start (repair).
"""

from tagsync.imports.models.delivery import Delivery
from tagsync.imports.models.job import ImportJob, JobEvent
from tagsync.imports.models.mapping import SavedMapping
from tagsync.imports.models.repair import Repair, RepairedRow
from tagsync.imports.models.row import ImportRow, JobTag, Problem

__all__ = [
    "Delivery",
    "ImportJob",
    "ImportRow",
    "JobEvent",
    "JobTag",
    "Problem",
    "Repair",
    "RepairedRow",
    "SavedMapping",
]
