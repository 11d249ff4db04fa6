"""Where the site and the sandbox listen, and under which names the site may be asked for."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def listen(host: str, port: int) -> socket.socket:
    """The site's socket, listening from now on: no other program can take the port in between. Raises OSError."""
    family, _kind, _protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Else a port is taken for a minute after every end.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def reachable(host: str) -> str:
    """The host to ask when the site listens on `host`: "every address" is no address."""
    return {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(host, host)


def url(host: str, port: int) -> str:
    name = reachable(host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def allowed_hosts(host: str) -> list[str]:
    """The names under which people on this host or its network ask for the site; never every name."""
    names = ["localhost", "127.0.0.1", "[::1]"]
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            machine = socket.gethostname()
            return [*names, machine, f"{machine}.local", *_own_addresses()]
    bracketed = f"[{host}]" if ":" in host else host
    return names if bracketed in names else [*names, bracketed]


def _own_addresses() -> list[str]:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # A datagram socket sends nothing when it connects; it only learns which address it would send from.
        probe.connect(("192.0.2.1", 9))
        return [probe.getsockname()[0]]
    return []


def sandbox_port(note: Path) -> int:
    """The port of the last start while it is free, so that the connection's address stays; else a new one."""
    with contextlib.suppress(FileNotFoundError, ValueError, OSError, OverflowError):
        port = int(note.read_text())
        listen(LOOPBACK, port).close()
        return port
    with contextlib.closing(listen(LOOPBACK, 0)) as listener:
        port = int(listener.getsockname()[1])
    note.write_text(str(port))
    return port
