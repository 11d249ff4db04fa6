"""Whose move it is, said to whoever reads: by name where it is somebody else's."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob
from tagsync.imports.permissions import may_retry
from tagsync.imports.problems import Mover


def whose_move(mover: Mover, job: ImportJob, reader: Person) -> str:
    """Beside a cause that stopped rows."""
    if mover == Mover.OWNER and job.owner_id == reader.pk:
        return str(Mover.OWNER.label)
    return whose_turn(mover, job, reader)


def whose_turn(mover: Mover, job: ImportJob, reader: Person) -> str:
    """Beside what an import as a whole waits for."""
    if mover == Mover.OWNER:
        waits = _("Waiting for %(person)s") % {"person": job.owner.label}
        return _("You") if job.owner_id == reader.pk else waits
    if mover == Mover.ADMIN and may_retry(reader):
        return _("You, as an admin")
    return str(mover.label)
