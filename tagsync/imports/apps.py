from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tagsync.imports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.connections.signals import state_changed
        from tagsync.imports.alerts import tell_connection

        state_changed.connect(tell_connection, dispatch_uid="tagsync.alerts")
