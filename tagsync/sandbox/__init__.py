"""A stand-in for the platform on this machine, with faults on demand. Reaches nobody; knows no other room."""

from tagsync.sandbox.faults import Fault
from tagsync.sandbox.ledger import Entry
from tagsync.sandbox.platform import DEFAULT_APP_ID, DEFAULT_APP_SECRET, DEFAULT_TOKEN
from tagsync.sandbox.running import Sandbox, serve
from tagsync.sandbox.server import DEFAULT_PATH, DEFAULT_TOKEN_PATH

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
