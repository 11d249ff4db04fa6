from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tagsync.imports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.connections.signals import pace_changed, state_changed
        from tagsync.imports.alerts import tell_connection
        from tagsync.imports.signals import moved
        from tagsync.imports.telling import tell_move
        from tagsync.imports.waits import end_waits_for_slots

        state_changed.connect(tell_connection, dispatch_uid="tagsync.alerts")
        moved.connect(tell_move, dispatch_uid="tagsync.telling")
        pace_changed.connect(end_waits_for_slots, dispatch_uid="tagsync.waits")
