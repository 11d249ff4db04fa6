"""Programs of a machine that the kit is tried with: Debian packages, which CI installs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings

KIT: Path = settings.BASE_DIR / "deploy"


def found(program: str, package: str) -> str:
    """Its path. Without it the test is skipped, and in CI it fails."""
    path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if path is None:
        missing = f"no {program}: install the Debian package {package}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path
