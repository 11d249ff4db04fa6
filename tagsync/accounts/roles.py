"""The two roles and what each may do. Written to the database after every migration, so code is the only truth."""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.apps.registry import apps as installed_apps
from django.contrib.auth.models import PermissionsMixin

MARKETERS = "Marketers"
ADMINS = "Admins"

# A marketer needs no permission to work on her own imports: ownership gives it.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    MARKETERS: (),
    ADMINS: (
        "accounts.manage_people",
        "connections.manage_connections",
        "imports.view_all_imports",
        "imports.retry_imports",
        "imports.see_personal_data",
        "imports.confirm_restore",
    ),
}


def write_roles(apps: Apps = installed_apps, **_signal: Any) -> None:
    """Make the groups and give each exactly its permissions. Receives `post_migrate`."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    wanted = {name.split(".")[1] for names in PERMISSIONS.values() for name in names}
    found = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.filter(codename__in=wanted).select_related("content_type")
    }
    for role, names in PERMISSIONS.items():
        group, _created = Group.objects.get_or_create(name=role)
        group.permissions.set([found[name] for name in names if name in found])


def give_role(person: PermissionsMixin, role: str) -> None:
    """Make `role` the person's only role. Raises KeyError for a role that does not exist."""
    PERMISSIONS[role]
    Group = installed_apps.get_model("auth", "Group")
    person.groups.set(Group.objects.filter(name=role))
