from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "tagsync.operations"

    def ready(self) -> None:
        # apps are loaded only now
        from tagsync.operations import checks, processes  # noqa: F401 - Django registers them
        from tagsync.queueing.signals import alive

        alive.connect(processes.say_alive, dispatch_uid="tagsync.operations.processes")
