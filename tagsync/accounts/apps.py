from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "tagsync.accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.accounts.roles import write_roles

        # No sender: permissions of every app must exist before the roles get them, and the last signal completes them.
        post_migrate.connect(write_roles, dispatch_uid="tagsync.roles")
