from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "tagsync.web"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.accounts import throttle
        from tagsync.imports.signals import keeper_cleans

        # Here, because the room of the accounts knows nothing of a keeper.
        keeper_cleans.connect(throttle.delete_old, dispatch_uid="tagsync.accounts.throttle")
