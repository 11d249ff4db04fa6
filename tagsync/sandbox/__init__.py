"""A stand-in for the platform on this machine, with faults on demand. Reaches nobody; knows no other room."""

from .faults import Fault
from .ledger import Entry
from .platform import DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TOKEN
from .running import Sandbox, serve
from .server import DEFAULT_PATH, DEFAULT_TOKEN_PATH

__all__ = [
    "DEFAULT_APP_ID",
    "DEFAULT_APP_SECRET",
    "DEFAULT_PATH",
    "DEFAULT_TOKEN",
    "DEFAULT_TOKEN_PATH",
    "Entry",
    "Fault",
    "Sandbox",
    "serve",
]
