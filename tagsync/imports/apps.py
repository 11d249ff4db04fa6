from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "tagsync.imports"
    default_auto_field = "django.db.models.BigAutoField"
