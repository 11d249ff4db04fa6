"""Settings of the tests: the real ones, in a throwaway folder, with a hasher that costs nothing."""

import atexit
import os
import shutil
import sys
import tempfile

# Tests start hundreds of processes. Where no bytecode is kept, each of them would compile the whole house anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if "TAGSYNC_HOME" not in os.environ:
    # Made here, removed here; processes that tests start inherit the folder and leave it alone.
    os.environ["TAGSYNC_HOME"] = tempfile.mkdtemp(prefix="tagsync-tests-")
    _owner = os.getpid()
    atexit.register(lambda: os.getpid() == _owner and shutil.rmtree(_folder, ignore_errors=True))
_folder = os.environ["TAGSYNC_HOME"]
os.environ.setdefault("TAGSYNC_TIME_ZONE", "Asia/Shanghai")

from tagsync.settings import *  # noqa: E402, F403 - the environment must be set first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TAGSYNC_POLL_SECONDS = 0.3
TAGSYNC_EMAIL = False
# It asks the database once a minute, whichever test that meets.
MIDDLEWARE.remove("tagsync.web.middleware.SaysAlive")  # noqa: F405 - of the settings above
# Else each client of a test lists all static files first.
WHITENOISE_AUTOREFRESH = True
# One person of a test makes more drafts than people keep; what becomes of too many is tried by itself.
TAGSYNC_MOST_DRAFTS = 1000
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]  # noqa: F405 - of the settings above
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405 - of the settings above
    # A file, not memory: threads and worker processes must see one database with one writer, as in real life.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_folder, "test.sqlite3")}  # noqa: F405 - of the settings above
