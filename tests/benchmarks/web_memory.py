"""What hostile files cost the web process: `python -m tests.benchmarks.web_memory URL PID NAME PASSWORD`.

Uploads each file of `tests.sheets.hostile` as this person, opens the columns page, asks for the check, opens its
result, its rows and a workbook of them, and discards the draft. `PID` is the web process; printed is the most memory
that it ever had (VmHWM), in MB of 1,000,000 bytes.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.sheets.hostile import CORPUS

WAIT_SECONDS = 60
_token = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_chosen = re.compile(r'<select[^>]* name="([^"]+)"(.*?)</select>', re.DOTALL)


class Person:
    def __init__(self, url: str, name: str, password: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=120, follow_redirects=True, headers={"Accept-Language": "en"})
        self.token = self._token_on("/login/")
        self.post("/login/", {"username": name, "password": password})

    def _token_on(self, path: str) -> str:
        found = _token.search(self.http.get(path).text)
        return found[1] if found else ""

    def post(self, path: str, data: dict[str, str], **more: object) -> httpx.Response:
        token = {"X-CSRFToken": self.http.cookies.get("csrftoken") or self.token, "Referer": str(self.http.base_url)}
        return self.http.post(path, data=data, headers=token, **more)  # type: ignore[arg-type]  # files=

    def import_file(self, path: Path, name: str) -> list[str]:
        """The statuses of what she saw."""
        with path.open("rb") as file:
            answer = self.post("/imports/new/", {}, files={"file": (name, file)})
        seen = [f"upload {answer.status_code}"]
        number = re.search(r"/imports/(\d+)/", str(answer.url))
        if number is None:
            return seen
        at = f"/imports/{number[1]}/"
        answer = self.http.get(f"{at}columns/")
        seen.append(f"columns {answer.status_code}")
        if answer.status_code == 200:
            answer = self.post(f"{at}columns/", _form(answer.text))
            seen.append(f"check {answer.status_code}")
            self._wait(at)
            seen += [f"{place} {self.http.get(f'{at}{place}/').status_code}" for place in ("check", "rows")]
            self.post(f"{at}export/", {"rows": "all"})
        self.post(f"{at}delete/", {})
        return seen

    def _wait(self, at: str) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end and 'hx-get="' + at + "check/live" in self.http.get(f"{at}check/").text:
            time.sleep(1)


def _form(page: str) -> dict[str, str]:
    """What the columns page would send as it stands, with a tag for all; its first column is sent as phone."""
    found = {"matching": "fuzzy-1", "operation": "add", "fixed_tags": "hostile"}
    for name, options in _chosen.findall(page):
        chosen = re.search(r'value="([^"]*)"[^>]*selected', options)
        found[name] = chosen[1] if chosen else ""
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        found.setdefault(name, value)
    first = next((name for name in found if name.startswith("column_")), "")
    return found | ({first: "phone"} if first else {})


def most_memory(pid: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) * 1024 / 1e6  # type: ignore[index]  # Linux writes it


def main() -> int:
    url, pid, name, password = sys.argv[1:]
    person = Person(url, name, password)
    print(f"before: {most_memory(pid):.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        for title, make in CORPUS.items():
            path = make(Path(folder) / "hostile.upload")
            ending = title.partition(":")[0] if title[:4] in ("xls:", "csv:") else "xlsx"
            seen = person.import_file(path, f"hostile.{ending}")
            path.unlink()
            print(f"{most_memory(pid):6.0f} MB after “{title}”: {', '.join(seen)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
