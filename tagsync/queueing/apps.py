from django.apps import AppConfig


class QueueingConfig(AppConfig):
    name = "tagsync.queueing"
    default_auto_field = "django.db.models.BigAutoField"
