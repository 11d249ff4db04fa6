"""Starts and stops the stand-in: in a thread for tests, or as a process of its own. Knows no HTTP."""

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType

from tagsync.sandbox.faults import Faults
from tagsync.sandbox.ledger import Entry, Ledger
from tagsync.sandbox.platform import (
    DEFAULT_APP_ID,
    DEFAULT_APP_SECRET,
    DEFAULT_TOKEN,
    TOKEN_LIFETIME_SECONDS,
    Credentials,
    Platform,
)
from tagsync.sandbox.server import Server


class Sandbox:
    """A stand-in platform in a thread of this process. `port` 0 takes a free one; without `ledger_path` it forgets.

    Raises: ValueError for a host that is not loopback, or a ledger that isn't one; OSError when the port is taken.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        ledger_path: Path | str | None = None,
        *,
        token: str = DEFAULT_TOKEN,
        app_id: str = DEFAULT_APP_ID,
        app_secret: str = DEFAULT_APP_SECRET,
        token_lifetime_seconds: float = TOKEN_LIFETIME_SECONDS,
    ) -> None:
        self.faults = Faults()
        self._ledger = Ledger(None if ledger_path is None else Path(ledger_path))
        credentials = Credentials(token, app_id, app_secret, token_lifetime_seconds)
        self._platform = Platform(credentials, self._ledger, self.faults)
        try:
            self._server = Server(host, port, self._platform)
        except BaseException:
            self._ledger.close()
            raise
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        host, port = self._server.server_name, self._server.server_port
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def ledger(self) -> list[Entry]:
        """The batch requests so far, oldest first."""
        return self._ledger.entries()

    @property
    def tags(self) -> dict[str, set[str]]:
        """Customer → tags. Named by the first identifier it came with: customer ID, openid, unionid, phone."""
        return self._ledger.tags()

    @property
    def token_calls(self) -> int:
        return self._platform.token_calls

    def expire_tokens(self) -> None:
        """Every token fetched so far is refused from now on; the fixed one isn't."""
        self._platform.expire_tokens()

    def reset(self) -> None:
        """Forgets calls, tags and faults."""
        self.faults.clear()
        self._ledger.clear()

    def start(self) -> "Sandbox":
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends at once, calls that hang included."""
        if self._thread.ident is None:
            self._server.server_close()
        else:
            self._server.stop()
            self._thread.join()
        self._ledger.close()

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    ledger_path: Path | str | None = None,
    *,
    token: str = DEFAULT_TOKEN,
    app_id: str = DEFAULT_APP_ID,
    app_secret: str = DEFAULT_APP_SECRET,
) -> None:
    """Runs until SIGTERM or SIGINT; says "sandbox ready <url>" on standard output. To be called in the main thread.

    Raises: as Sandbox.
    """
    asked_to_stop = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        asked_to_stop.set()

    # Before the line that says ready: whoever reads it may stop us the next moment.
    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with Sandbox(host, port, ledger_path, token=token, app_id=app_id, app_secret=app_secret) as sandbox:
            print(f"sandbox ready {sandbox.url}", flush=True)
            asked_to_stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
