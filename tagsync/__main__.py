"""The one command of tagsync: `tagsync`, `python -m tagsync` and `manage.py` are the same. `up` starts everything."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from tagsync import timeouts


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tagsync.settings")
    os.environ[timeouts.VARIABLE] = timeouts.role_of(sys.argv)
    # Django takes any __main__.py for its own, and would tell people to type "python -m django".
    name = "tagsync" if os.path.basename(sys.argv[0]) == "__main__.py" else sys.argv[0]
    try:
        execute_from_command_line([name, *sys.argv[1:]])
    except ImproperlyConfigured as error:
        sys.exit(f"tagsync: {error}")


if __name__ == "__main__":
    main()
