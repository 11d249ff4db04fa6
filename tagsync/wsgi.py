"""The door for a web server: `gunicorn tagsync.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from tagsync import timeouts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tagsync.settings")
os.environ[timeouts.VARIABLE] = timeouts.Role.WEB

application = get_wsgi_application()
