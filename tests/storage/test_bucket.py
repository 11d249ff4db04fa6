"""A bucket as storage: the main job against a server that speaks S3, and a whole installation on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import translation

from tagsync import environment as env
from tagsync.connections.models import Connection
from tagsync.exports.models import Export
from tagsync.imports.models import ImportJob
from tagsync.operations import facts, storage
from tests.installation import free_port, up, wait_for
from tests.storage.main_job import do_main_job

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not all(map(find_spec, ("boto3", "moto"))), reason="they come with the extra dev"),
]

BUCKET = "tagsync-files"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. In a process of its own: what it loads warns of much."""
    port, output = free_port(), tmp_path_factory.mktemp("moto") / "output"
    line = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with output.open("wb") as file:
        process = subprocess.Popen(line, stdout=file, stderr=file)
    try:
        wait_for(lambda: "Running on" in output.read_text() or process.poll() is not None, 60)
        assert process.poll() is None, output.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client(server: str) -> Iterator[Any]:
    import boto3

    made = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    made.create_bucket(Bucket=BUCKET)
    yield made
    for key in keys(made):
        made.delete_object(Bucket=BUCKET, Key=key)
    made.delete_bucket(Bucket=BUCKET)
    made.close()


def keys(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def address(server: str, bucket: str = BUCKET) -> str:
    return f"s3://{bucket}/tagsync/files?endpoint_url={server}&region_name=us-east-1"


def use(settings: Any, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """As the settings do."""
    monkeypatch.setenv("TAGSYNC_STORAGE", address)
    bucket = env.bucket("TAGSYNC_STORAGE")
    assert bucket
    chosen = {"BACKEND": "tagsync.s3.Bucket", "OPTIONS": bucket._asdict()}
    settings.STORAGES = {**settings.STORAGES, "default": chosen}


@pytest.fixture
def _on_bucket(settings: Any, monkeypatch: pytest.MonkeyPatch, server: str, client: Any) -> None:
    use(settings, monkeypatch, address(server))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_on_bucket")
def test_the_whole_main_job(signed: Client, connection: Connection, client: Any) -> None:
    do_main_job(signed)
    assert keys(client) and all(key.startswith("tagsync/files/") for key in keys(client))
    public = {
        grant["Grantee"].get("URI")
        for key in keys(client)
        for grant in client.get_object_acl(Bucket=BUCKET, Key=key)["Grants"]
    }
    assert public == {None}
    assert {str(job.file.name) for job in ImportJob.objects.all()} <= {key.rpartition("/")[2] for key in keys(client)}
    assert not Export.objects.exists()


@pytest.mark.usefixtures("_on_bucket")
def test_it_does_what_a_storage_does(client: Any) -> None:
    name = default_storage.save("a.upload", ContentFile(b"x" * 20_000_000))
    with default_storage.open(name) as file:
        assert (file.size, file.read(3), sum(map(len, file.chunks()))) == (20_000_000, b"xxx", 19_999_997)
    assert default_storage.size(name) == 20_000_000 and default_storage.exists(name)
    assert default_storage.get_modified_time(name).tzinfo is not None
    # Nothing is overwritten.
    other = default_storage.save("a.upload", ContentFile(b"y"))
    assert other != name and sorted(default_storage.listdir("")[1]) == sorted([name, other])
    default_storage.delete(other)
    default_storage.delete(other)
    for act in (default_storage.open, default_storage.size, default_storage.get_modified_time):
        with pytest.raises(FileNotFoundError):
            act(other)
    with pytest.raises(NotImplementedError):
        default_storage.path(name)


@pytest.mark.usefixtures("_on_bucket")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_fork_has_connections_of_its_own(client: Any) -> None:
    default_storage.save("a.upload", ContentFile(b"x"))
    before = default_storage.connection
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        said = b"shared" if default_storage.connection is before else default_storage.open("a.upload").read()
        os.write(writing, said)
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reading, 10) == b"x" and default_storage.connection is before
    os.close(reading), os.close(writing)


@pytest.mark.django_db
def test_doctor_tells_of_a_bucket(
    settings: Any, monkeypatch: pytest.MonkeyPatch, server: str, client: Any, home: Path
) -> None:
    use(settings, monkeypatch, address(server))
    assert facts._storage().ok and len(storage.identity()) == 32
    with translation.override("en"):
        (disk,) = facts._disk()
        assert disk.ok and "until they are in the storage" in disk.says
    for wrong, error in ((address(server, "not-there"), "OSError"), (address("http://127.0.0.1:9"), "ConnectionError")):
        use(settings, monkeypatch, wrong)
        found = facts._storage()
        assert error in found.says and "TAGSYNC_STORAGE" in found.do
        assert storage.identity() == ""
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    use(settings, monkeypatch, address(server))
    assert "PermissionError" in facts._storage().says


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_whole_installation(tmp_path: Path, server: str, client: Any) -> None:
    home = tmp_path / "installation"
    with up(home, TAGSYNC_STORAGE=address(server), **CREDENTIALS) as running:
        sheet = next((home / "sample").glob("*.xlsx"))
        words = ("--connection", "Sandbox", "--operation", "add", "--wait", "--json")
        done = running.manage("import_sheet", str(sheet), *words)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["rows"]["accepted"] == 288
        doctor = running.manage("doctor", "--json")
        facts = {fact["check"]: fact["ok"] for fact in json.loads(doctor.stdout)}
        assert facts["storage"] and facts["shared_storage"] and facts["disk"]
    assert {Path(key).suffix for key in keys(client)} >= {".upload", ".preview"}
    assert not list((home / "partial").iterdir())
    assert not (home / "uploads").exists() or not list((home / "uploads").iterdir())
