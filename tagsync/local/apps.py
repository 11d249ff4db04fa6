from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "tagsync.local"
    default_auto_field = "django.db.models.BigAutoField"
