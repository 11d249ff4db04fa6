"""The kit's nginx and gunicorn on ports of their own, as a machine of a company runs them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet
from django.conf import settings

from tests import legs
from tests.deploy.tools import KIT, found
from tests.installation import command, environment, free_port, wait_for

PASSWORD = "correct horse battery"
NAME = "ada"


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[tuple[int, int]]:
    """deploy/nginx.conf in front of this port; yields its ports for http and https."""
    plain, safe = free_port(), free_port()
    folder.mkdir()
    certificate(folder)
    (folder / "site.conf").write_text(for_this_machine(folder, upstream, plain, safe))
    main = folder / "nginx.conf"
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    )
    # Its workers would be somebody else, to whom the folder of a test is closed.
    user = "user root;" if os.geteuid() == 0 else ""
    main.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ {paths} include {folder}/site.conf; }}\n"
    )
    line = [found("nginx", "nginx"), "-c", str(main), "-e", str(folder / "error.log")]
    tested = subprocess.run([*line, "-t"], capture_output=True, text=True, timeout=30)
    assert tested.returncode == 0, tested.stderr
    with running(line, folder / "nginx.out", dict(os.environ), safe):
        yield plain, safe


def for_this_machine(folder: Path, upstream: int, plain: int, safe: int) -> str:
    """What a reader changes in the file, and the places that only root may write to."""
    text = (KIT / "nginx.conf").read_text()
    for there, here in {
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{safe} ssl http2;",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream};",
        "server_name tagsync.example.com;": "server_name localhost;",
        "/etc/ssl/certs/tagsync.pem": f"{folder}/tagsync.pem",
        "/etc/ssl/private/tagsync.key": f"{folder}/tagsync.key",
        "/var/log/nginx/": f"{folder}/",
    }.items():
        assert there in text, there
        text = text.replace(there, here)
    return text


def certificate(folder: Path) -> None:
    line = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"]
    files = ["-keyout", str(folder / "tagsync.key"), "-out", str(folder / "tagsync.pem")]
    subprocess.run([found("openssl", "openssl"), *line, *files], check=True, capture_output=True, timeout=30)


@contextmanager
def gunicorn(home: Path) -> Iterator[int]:
    """tagsync in production mode behind a proxy, migrated, with one admin; yields its port. Redis may be nowhere."""
    port, home = free_port(), home.absolute()
    (home / "uploads").mkdir(parents=True)
    with legs.database("deploy") as database:
        env = environment(
            home,
            **{
                "TAGSYNC_MODE": "production",
                "SECRET_KEY": "of a test only, and long enough: " + Fernet.generate_key().decode(),
                "TAGSYNC_CREDENTIAL_KEYS": Fernet.generate_key().decode(),
                "TAGSYNC_ALLOWED_HOSTS": "localhost",
                "TAGSYNC_BEHIND_PROXY": "1",
                "DATABASE_URL": f"sqlite:///{home}/tagsync.sqlite3",
                "REDIS_URL": os.environ.get("REDIS_URL") or "redis://127.0.0.1:9/0",
                "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
                "HOME": str(home),
                "XDG_RUNTIME_DIR": str(home),
                **database,
            },
        )
        new_admin = ["createsuperuser", "--noinput", "--username", NAME, "--email", "ada@example.com"]
        for words in (["migrate", "-v0"], ["collectstatic", "-v0", "--noinput"], new_admin):
            subprocess.run(command(*words), env=env, check=True, timeout=100)
        line = [sys.executable, "-m", "gunicorn", "-c", str(KIT / "gunicorn.conf.py"), "--bind", f"127.0.0.1:{port}"]
        with running([*line, "tagsync.wsgi"], home / "gunicorn.out", env, port):
            yield port


@contextmanager
def running(line: list[str], output: Path, env: dict[str, str], port: int) -> Iterator[None]:
    with output.open("wb") as file:
        process = subprocess.Popen(line, stdout=file, stderr=file, env=env, cwd=settings.BASE_DIR)
    try:
        wait_for(lambda: answers(port) or process.poll() is not None)
        assert process.poll() is None, output.read_text()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
