"""gunicorn behind a proxy that buffers: `gunicorn -c deploy/gunicorn.conf.py tagsync.wsgi`. CI runs it, gunicorn 27.

On machines with more than two cores set WEB_CONCURRENCY to their number; each process takes up to `threads` connections
of PostgreSQL, which has 100 unless it is told otherwise.
"""

import os

bind = "127.0.0.1:8000"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# With threads a slow request keeps nobody else waiting, and the time-out below is not its time-out.
worker_class = "gthread"
threads = 12

# Of a process whose main loop stands still. A request may take longer: an upload that comes past the proxy, a download.
timeout = 120
# What is under way when it is told to stop gets so long; the unit's and the container's time is longer.
graceful_timeout = 60

# Nothing forwarded counts here. `tagsync/wsgi.py` and TAGSYNC_BEHIND_PROXY decide what a proxy is believed, also on a
# Unix socket, where gunicorn itself would believe everybody.
forwarded_allow_ips = ""
secure_scheme_headers = {}

# It would lie in the home folder, and lets whoever reaches it stop the server.
control_socket_disable = True
# The proxy writes the log of requests; addresses with what was searched for stay out of this one.
accesslog = None
# A sign of life written to a slow disk would look like a dead process.
worker_tmp_dir = "/dev/shm"
