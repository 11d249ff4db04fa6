#!/usr/bin/env python3
"""The one command of tagsync: `manage.py up` starts everything, `manage.py help` lists the rest."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from tagsync import timeouts

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tagsync.settings")
    os.environ[timeouts.VARIABLE] = timeouts.role_of(sys.argv)
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"tagsync: {error}")
