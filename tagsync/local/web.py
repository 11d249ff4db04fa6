"""gunicorn's settings in a local installation; read by `gunicorn -c python:tagsync.local.web`."""

import os
import sys
from typing import Any

from tagsync.orphans import die_with

wsgi_app = "tagsync.wsgi"
bind = os.environ.get("TAGSYNC_LISTEN", "127.0.0.1:8000")
worker_class = "gthread"
workers = 2
threads = 8
# A start-up that fails in a worker shows its traceback in the log; nothing is shared across the fork.
preload_app = False
accesslog = None
errorlog = "-"
# `up` gives three seconds in all.
graceful_timeout = 2
worker_tmp_dir = os.environ.get("TMPDIR")
# Else it would write a socket outside of TAGSYNC_HOME.
control_socket_disable = True


def post_fork(server: Any, worker: Any) -> None:
    if sys.platform == "linux":
        # gunicorn's own look at its parent comes a second late: the port would still be taken at the next start.
        die_with(worker.ppid)
