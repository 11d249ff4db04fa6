"""Settings of the tests: the real ones, in a throwaway folder, with a hasher that costs nothing."""

import atexit
import os
import shutil
import tempfile

_folder = os.environ.setdefault("TAGSYNC_HOME", tempfile.mkdtemp(prefix="tagsync-tests-"))
if os.path.basename(_folder).startswith("tagsync-tests-"):
    _owner = os.getpid()
    atexit.register(lambda: os.getpid() == _owner and shutil.rmtree(_folder, ignore_errors=True))
os.environ.setdefault("TAGSYNC_TIME_ZONE", "Asia/Shanghai")

from tagsync.settings import *  # noqa: E402, F403 - the environment must be set first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TAGSYNC_POLL_SECONDS = 0.3
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]  # noqa: F405
