from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class WebConfig(AppConfig):
    name = "tagsync.web"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.accounts import throttle
        from tagsync.imports.signals import keeper_cleans
        from tagsync.web.account import sessions

        user_logged_in.connect(sessions.begin, dispatch_uid="tagsync.web.sessions.begin")
        keeper_cleans.connect(sessions.delete_expired, dispatch_uid="tagsync.web.sessions")

        # Here, because the room of the accounts knows nothing of a keeper.
        keeper_cleans.connect(throttle.delete_old, dispatch_uid="tagsync.accounts.throttle")
