"""The app secret travels in an address. No log has it, whatever is configured, and whoever stands in for httpx."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpcore
import httpx
import pytest
from django.conf import settings

from tagsync.tuzhan.client import _LOGGERS

BASE = Path(__file__).parent.parent.parent

# A process of its own: nobody else's handlers. Logging is configured after the client was imported.
PROBE = """
import contextlib, http.server, io, logging, sys, threading
{first}
from tagsync.log_lines import JsonLines
from tagsync.tuzhan.client import Client
import httpx, httpcore

written = io.StringIO()
handler = logging.StreamHandler(written)
handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
as_json = logging.StreamHandler(written)
as_json.setFormatter(JsonLines())
logging.basicConfig(level=logging.DEBUG, handlers=[handler, as_json])
loggers = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
for logger in loggers:
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.addHandler(as_json)
logging.getLogger("probe").debug("works")

class Platform(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{{"code":"500","msg":"no","errorCode":"s3cret-canary"}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Platform)
threading.Thread(target=server.serve_forever, daemon=True).start()
for url in (f"http://127.0.0.1:{{server.server_port}}", "http://127.0.0.1:9", "http://nowhere.invalid", "https://127.0.0.1:9"):
    with Client(url, "/a", "/b") as client:
        outcome = client.fetch_token("the-app", "s3cret-canary")
        logging.getLogger("probe").warning("%r", outcome)
        client.send("t0ken-canary", b"{{}}")
print(httpx.__name__, httpcore.__name__)
print(written.getvalue())
"""
# httpx and httpcore under other names, as a fork would be, in the place of the two.
FORK = """
sys.path.insert(0, {folder!r})
import forkcore, forkx
sys.modules["httpx"], sys.modules["httpcore"] = forkx, forkcore
"""


def logged(first=""):
    code = PROBE.format(first=first)
    environment = {**os.environ, "PYTHONPATH": str(BASE)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_no_log_has_the_secret():
    text = logged()
    assert "probe works" in text and '"logger": "probe"' in text and "httpx httpcore" in text
    assert "canary" not in text


def test_no_log_has_it_with_a_fork(tmp_path):
    for module, name in ((httpx, "forkx"), (httpcore, "forkcore")):
        shutil.copytree(Path(module.__file__).parent, tmp_path / name)
        for path in (tmp_path / name).rglob("*.py"):
            text = re.sub(r"\bhttpcore\b", "forkcore", re.sub(r"\bhttpx\b", "forkx", path.read_text()))
            path.write_text(text)
    text = logged(FORK.format(folder=str(tmp_path)))
    assert "probe works" in text and "forkx forkcore" in text
    assert "canary" not in text


@pytest.mark.parametrize("module", [httpx, httpcore])
def test_every_logger_of_the_two_is_known(module):
    named = re.compile(r'getLogger\("([\w.]+)"\)')
    sources = Path(module.__file__).parent.rglob("*.py")
    found = {name for path in sources for name in named.findall(path.read_text())}
    assert found and found <= {module.__name__ + below for below in _LOGGERS}


def test_the_settings_name_them_too():
    for module in (httpx, httpcore):
        assert settings.LOGGING["loggers"][module.__name__]["level"] == "WARNING"
