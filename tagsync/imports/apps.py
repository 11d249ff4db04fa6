from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tagsync.imports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.connections.signals import pace_changed
        from tagsync.imports import figures
        from tagsync.imports.sending.waits import end_waits_for_slots
        from tagsync.imports.signals import moved

        moved.connect(figures.after_move, dispatch_uid="tagsync.figures")
        pace_changed.connect(end_waits_for_slots, dispatch_uid="tagsync.waits")
