from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "tagsync.exports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now; what writes workbooks is loaded where one is written
        from tagsync.exports import upkeep
        from tagsync.imports.signals import deleted, keeper_cleans, keeper_round

        deleted.connect(upkeep.delete_files_of, dispatch_uid="tagsync.exports.files")
        keeper_round.connect(upkeep.ring_for_waiting, dispatch_uid="tagsync.exports.round")
        keeper_cleans.connect(upkeep.delete_expired, dispatch_uid="tagsync.exports.expired")
        keeper_cleans.connect(upkeep.delete_strays_of_exports, dispatch_uid="tagsync.exports.strays")
