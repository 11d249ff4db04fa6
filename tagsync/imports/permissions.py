"""Who may do what with an import. Visibility is `ImportJob.objects.visible_to(person)`."""

from __future__ import annotations

from tagsync.accounts.models import Person
from tagsync.imports.models import ImportJob


def may_steer(person: Person, job: ImportJob) -> bool:
    """Change, check, start, stop, resume, delete: the owner and admins."""
    return job.owner_id == person.pk or person.has_perm("imports.view_all_imports")


def may_retry(person: Person) -> bool:
    return person.has_perm("imports.retry_imports")


def may_see_personal_data(person: Person) -> bool:
    """Identifiers unmasked after the start. Before it the owner sees her own file in full: she has to repair it."""
    return person.has_perm("imports.see_personal_data")
