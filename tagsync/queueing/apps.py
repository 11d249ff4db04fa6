from django.apps import AppConfig
from django.db.models.signals import post_migrate


class QueueingConfig(AppConfig):
    name = "tagsync.queueing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.queueing import installation

        post_migrate.connect(installation.make, sender=self, dispatch_uid="tagsync.queueing.installation")
