from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "tagsync.accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.accounts.roles import PERMISSIONS, write_roles

        # After each app whose permissions the roles have: the last one completes them.
        for label in sorted({name.split(".")[0] for names in PERMISSIONS.values() for name in names}):
            post_migrate.connect(write_roles, apps.get_app_config(label), dispatch_uid=f"tagsync.roles.{label}")
