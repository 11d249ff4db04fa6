"""What a process reads before it does anything: many are started, and a person waits for each command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands, load_command_class

from tests.installation import environment

PAGES, WORKBOOKS, SENDING = "tagsync.web.urls", "openpyxl", "tagsync.delivery.runner"


def loaded(script: str, home: Path) -> set[str]:
    """Which of the three a process has loaded when it comes to `print`."""
    tell = f"print(*{{{PAGES!r}, {WORKBOOKS!r}, {SENDING!r}}} & set(sys.modules))"
    line = [sys.executable, "-c", "import sys, django; django.setup()\n" + script.replace("TELL", tell)]
    done = subprocess.run(
        line, env=environment(home), cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_no_process_loads_pages_or_what_writes_workbooks(tmp_path: Path) -> None:
    assert loaded("TELL", tmp_path) == set()


def test_a_worker_has_its_work_loaded_before_it_forks(tmp_path: Path) -> None:
    script = """
from unittest.mock import patch
from django.core.management import call_command
def works(*_words, **_options): TELL
with patch("django_rq.management.commands.rqworker.Command.handle", works): call_command("rqworker", "sends")
"""
    assert loaded(script, tmp_path) == {SENDING}


def test_only_up_reads_every_page_before_it_begins() -> None:
    ours = {name: app for name, app in get_commands().items() if app.startswith("tagsync.")}
    checks_all = {
        name for name, app in ours.items() if load_command_class(app, name).requires_system_checks == "__all__"
    }
    assert checks_all == {"up"} and len(ours) > 5
