from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection as database

from tagsync.connections import tokens
from tagsync.connections.crypto import CredentialsUnreadable, decrypt, encrypt
from tagsync.connections.models import Connection
from tagsync.tuzhan.client import Token

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_it_gives_back_what_it_took() -> None:
    assert decrypt(encrypt("tok-100200")) == "tok-100200"
    assert encrypt("tok-100200") != encrypt("tok-100200")


def test_it_leaves_nothing_as_nothing() -> None:
    assert encrypt("") == decrypt("") == ""


def test_it_reads_with_an_old_key_and_writes_with_the_new_one(settings: Any) -> None:
    settings.TAGSYNC_CREDENTIAL_KEYS = [OLD]
    before = encrypt("tok")
    settings.TAGSYNC_CREDENTIAL_KEYS = [NEW, OLD]
    assert decrypt(before) == "tok"
    after = encrypt("tok")
    settings.TAGSYNC_CREDENTIAL_KEYS = [NEW]
    assert decrypt(after) == "tok"
    with pytest.raises(CredentialsUnreadable):
        decrypt(before)


@pytest.mark.parametrize("stored", ["no fernet token", "gAAAAABk", "…"])
def test_it_says_when_something_can_not_be_read(stored: str) -> None:
    with pytest.raises(CredentialsUnreadable) as caught:
        decrypt(stored)
    assert stored not in str(caught.value)


def test_it_keeps_no_secret_readable_in_the_database(db: None) -> None:
    one = Connection(name="one", base_url="https://integrate.rabbitpre.com")
    one.set_app("app-1", "canary-secret")
    one.save()
    tokens.keep(one, Token("canary-token", 60))
    two = Connection(name="two", base_url="https://integrate.rabbitpre.com")
    two.set_fixed_token("canary-fixed")
    two.save()
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_connection")
        assert "canary" not in repr(cursor.fetchall())
