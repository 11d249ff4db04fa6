from django.apps import AppConfig


class CliConfig(AppConfig):
    name = "tagsync.cli"
    default_auto_field = "django.db.models.BigAutoField"
