"""Two whole installations on one Redis. Their keepers sleep, so a ring that the other one took would not come again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tagsync.queueing.installation import owner
from tests.installation import Up, command, up
from tests.making import HEADER, customers
from tests.workbooks import plain

pytestmark = [
    pytest.mark.slow,
    pytest.mark.journey,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]
IMPORTS = 4


@pytest.fixture
def both(tmp_path: Path, redis_url: str) -> Iterator[list[Up]]:
    environment = {"REDIS_URL": redis_url, "TAGSYNC_KEEPER_SECONDS": "3600"}
    with up(tmp_path / "trial", **environment) as trial, up(tmp_path / "production", **environment) as production:
        yield [trial, production]


def test_each_does_its_own_work(both: list[Up], tmp_path: Path, redis_url: str) -> None:
    sheet = plain(tmp_path / "sheet.xlsx", [HEADER, *customers(20)])
    line = command("import_sheet", str(sheet), "--connection", "Sandbox", "--operation", "add", "--wait", "--json")
    started = [
        subprocess.Popen(line, env=each.environment, stdout=subprocess.PIPE) for each in both for _ in range(IMPORTS)
    ]
    try:
        ended: list[dict[str, Any]] = [json.loads(one.communicate(timeout=60)[0].splitlines()[-1]) for one in started]
    finally:
        for one in started:
            one.kill()
    # The same numbers in both, each accepted.
    assert sorted(one["import"] for one in ended) == sorted([*range(1, IMPORTS + 1)] * 2)
    assert [one["rows"]["accepted"] for one in ended] == [20] * len(ended)
    with Redis.from_url(redis_url) as client:
        assert len({owner(key.decode()) for key in client.smembers("rq:workers")}) == 2
