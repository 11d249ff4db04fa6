"""The folder: held by one, kept tidy, its database copied whole."""

import os
import sqlite3
from pathlib import Path

import pytest

from tagsync.local import home


def test_it_lets_one_hold_the_folder_and_names_the_holder(tmp_path: Path) -> None:
    with home.lock(tmp_path) as handle:
        home.sign(handle, "a longer text than the next")
        home.sign(handle, "PID 7, http://127.0.0.1:8000/")
        with pytest.raises(home.FolderInUse) as caught, home.lock(tmp_path):
            pytest.fail("two hold the folder")
        assert caught.value.holder == "PID 7, http://127.0.0.1:8000/"


def test_it_lets_the_next_one_in_afterwards(tmp_path: Path) -> None:
    with home.lock(tmp_path):
        pass
    with home.lock(tmp_path) as handle:
        assert handle > 0


def test_it_clears_what_a_killed_start_left(tmp_path: Path) -> None:
    home.prepare(tmp_path)
    (tmp_path / "tmp" / "left").write_text("")
    (tmp_path / "sample" / "kept").write_text("")
    home.prepare(tmp_path)
    assert not (tmp_path / "tmp" / "left").exists()
    assert (tmp_path / "sample" / "kept").exists()


def test_it_keeps_the_log_of_the_last_start(tmp_path: Path) -> None:
    home.prepare(tmp_path)
    home.fresh_log(tmp_path, "web").write_text("before")
    log = home.fresh_log(tmp_path, "web")
    assert log.read_text() == ""
    assert (tmp_path / "logs" / "web.log.1").read_text() == "before"


def test_it_shows_the_end_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(5000)))
    assert home.tail(log, lines=2) == "line 4998\nline 4999"


def write_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE thing (name TEXT)")
    database.execute("INSERT INTO thing VALUES ('kept')")
    database.commit()
    return database


def test_it_copies_a_database_with_what_is_only_in_its_log(tmp_path: Path) -> None:
    home.prepare(tmp_path)
    database = write_database(tmp_path / "tagsync.sqlite3")
    copy = home.copy_database(tmp_path / "tagsync.sqlite3", tmp_path, 5)
    database.close()
    copied = sqlite3.connect(copy)
    assert copied.execute("SELECT name FROM thing").fetchall() == [("kept",)]
    copied.close()
    assert not list(copy.parent.glob("*.part"))


def test_it_keeps_only_the_newest_copies(tmp_path: Path) -> None:
    home.prepare(tmp_path)
    write_database(tmp_path / "tagsync.sqlite3").close()
    copies = [home.copy_database(tmp_path / "tagsync.sqlite3", tmp_path, 5) for _ in range(7)]
    assert sorted((tmp_path / "backups").iterdir()) == copies[2:]


def test_it_makes_folders_for_the_owner_alone(tmp_path: Path) -> None:
    home.prepare(tmp_path)
    assert os.stat(tmp_path / "logs").st_mode & 0o077 == 0
