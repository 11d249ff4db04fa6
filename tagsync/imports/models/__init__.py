"""The records of imports: what was asked (job), its rows and their problems (row), the calls made (delivery)."""

from tagsync.imports.models.delivery import Delivery
from tagsync.imports.models.job import ImportJob, JobEvent
from tagsync.imports.models.mapping import SavedMapping
from tagsync.imports.models.row import ImportRow, JobTag, Problem

__all__ = ["Delivery", "ImportJob", "ImportRow", "JobEvent", "JobTag", "Problem", "SavedMapping"]
