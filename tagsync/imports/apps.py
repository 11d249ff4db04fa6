from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tagsync.imports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.connections.signals import pace_changed
        from tagsync.imports.sending.waits import end_waits_for_slots

        pace_changed.connect(end_waits_for_slots, dispatch_uid="tagsync.waits")
