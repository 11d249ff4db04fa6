"""Who may do what with an import. Visibility is `ImportJob.objects.visible_to(person)`."""

from __future__ import annotations

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob
from tagsync.imports.states import UNSTARTED


def may_steer(person: Person, job: ImportJob) -> bool:
    """Change, check, start, stop, resume, delete: the owner and admins."""
    return job.owner_id == person.pk or person.has_perm("imports.view_all_imports")


def may_retry(person: Person) -> bool:
    return person.has_perm("imports.retry_imports")


def may_see_personal_data(person: Person) -> bool:
    """Identifiers unmasked, of every import that she may see, when she asks."""
    return person.has_perm("imports.see_personal_data")


def typed_herself(person: Person, job: ImportJob) -> bool:
    """Whether the file is one that she uploaded: what stands in it she knows. An undo's we write ourselves."""
    return job.owner_id == person.pk and job.undoes_id is None


def sees_in_full(person: Person, job: ImportJob) -> bool:
    """Identifiers without asking: before the start, of her own file, because she has to repair it.

    Not of a workbook that came back with identifiers hidden, whose rows hold more than she can read in it.
    """
    return typed_herself(person, job) and job.status in UNSTARTED and not job.check_summary.get("unmasked")


def sees_invalid_values(person: Person, job: ImportJob) -> bool:
    """The value that is wrong in a row to fix, also after the start: by it she finds the cell in her file."""
    return typed_herself(person, job) and bool(job.file)
