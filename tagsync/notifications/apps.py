from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "tagsync.notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.connections.signals import state_changed
        from tagsync.imports.signals import keeper_cleans, keeper_round, letters_due, moved, workbook_over
        from tagsync.notifications import long_waits, mailing, of_connections, of_imports, of_workbooks, seen

        moved.connect(of_imports.tell_move, dispatch_uid="tagsync.notifications.move")
        state_changed.connect(of_connections.tell_connection, dispatch_uid="tagsync.notifications.connection")
        workbook_over.connect(of_workbooks.tell_workbook, dispatch_uid="tagsync.notifications.workbook")
        keeper_round.connect(long_waits.tell_long_waits, dispatch_uid="tagsync.notifications.round")
        keeper_cleans.connect(seen.delete_old, dispatch_uid="tagsync.notifications.old")
        letters_due.connect(mailing.send_due, dispatch_uid="tagsync.notifications.mailing")
