"""Each way in which a real clock gets past a freeze, and the ways in which none does."""

from __future__ import annotations

import email.utils
import functools
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from legacy_portals import make_portal
from mfa_simulator.cli import main
from mfa_simulator.real_clocks import search as search_module
from mfa_simulator.real_clocks.search import search

pytestmark = pytest.mark.any_python

MINUTE = 60
# Bound when this module is imported, which is before any freeze.
bound = functools.partial(time.time)


def stamp(now=time.time):
    return now()


@dataclass
class Visit:
    at: float = field(default_factory=time.time)


class Ticker:
    now = staticmethod(time.time)


def http(at):
    return email.utils.formatdate(at, usegmt=True)


def in_sql(statement, *values):
    with closing(sqlite3.connect(":memory:")) as database:
        (found,) = database.execute(statement, values).fetchone()
    return str(found)


def by_default():
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE visit (id INTEGER, at TEXT DEFAULT CURRENT_TIMESTAMP)")
        database.execute("INSERT INTO visit (id) VALUES (1)")
        return database.execute("SELECT at FROM visit").fetchone()[0]


def in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(time.time()))
    thread.start()
    thread.join()
    return str(found[0])


def in_a_child():
    ask = "import time; print(int(time.time()))"
    return subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def searched(monkeypatch):
    """``searched(tell)``: what a search finds in a portal whose page of reports has ``tell()`` in a header."""

    def run(tell, place="X-Told"):
        def factory(users, secret_key):
            portal = make_portal(users, secret_key)

            def application(environ, start_response):
                extra = [(place, tell())] if environ["PATH_INFO"] == "/reports" else []

                def start(status, headers, exc_info=None):
                    return start_response(status, [*headers, *extra], exc_info)

                return portal(environ, start)

            return application

        monkeypatch.setattr(search_module, "imported_factory", lambda reference: factory)
        found = search("a:portal")
        assert found.signed_in
        # The reference portal itself lets a price list be downloaded, which is as old as its file.
        return found, [leak for leak in found.leaks if "/download/" not in leak.where]

    return run


@pytest.mark.parametrize(
    ("tell", "source"),
    [
        (lambda: in_sql("SELECT datetime('now')"), "SQLite's own clock: SELECT datetime('now')"),
        (lambda: in_sql("SELECT CURRENT_TIMESTAMP"), "SQLite's own clock: SELECT CURRENT_TIMESTAMP"),
        (lambda: in_sql("SELECT julianday('now')"), "SQLite's own clock: SELECT julianday('now')"),
        (
            by_default,
            "SQLite's own clock: CREATE TABLE visit (id INTEGER, at TEXT DEFAULT CURRENT_TIMESTAMP)",
        ),
        (lambda: time.ctime(), "time.ctime() in "),
        (lambda: time.asctime(), "time.asctime() in "),
        (lambda: str(time.clock_gettime(time.CLOCK_REALTIME)), "time.clock_gettime() in "),
        (in_a_child, "a child process (subprocess.Popen: "),
    ],
)
def test_a_clock_below_python_shows_and_is_named(searched, tell, source):
    found, (leak,) = searched(tell)
    assert leak.where == "GET /reports, header X-Told"
    assert abs(leak.ahead) < 3 * MINUTE
    assert [words for words in found.asked if words.startswith(source)]


@pytest.mark.parametrize(
    ("tell", "holder"),
    [
        (lambda: str(stamp()), "stamp, the default of its argument now"),
        (lambda: str(Visit().at), "Visit.at, the default of a field"),
        (lambda: str(Ticker.now()), "Ticker.now, an attribute of the class"),
        (lambda: str(bound()), "bound, a partial"),
    ],
)
def test_what_was_bound_before_the_freeze_shows_and_is_named(searched, tell, holder):
    found, (leak,) = searched(tell)
    assert abs(leak.ahead) < 3 * MINUTE
    assert [words for words in found.held if words.endswith(f"test_search.{holder}")]


def test_the_time_of_a_file_shows_and_is_named(searched, tmp_path):
    path = tmp_path / "page.css"
    path.write_text("", encoding="utf-8")
    os.utime(path, (time.time() - 5 * MINUTE,) * 2)
    _, (leak,) = searched(lambda: http(os.path.getmtime(path)), place="Last-Modified")  # noqa: PTH204  # as old applications do
    assert leak.where == "GET /reports, header Last-Modified"
    assert leak.files == (str(path),)


def test_a_cookie_that_ends_long_after_the_present_shows(searched):
    month = 30 * 24 * 60 * MINUTE
    _, (leak,) = searched(lambda: f"seen=1; Expires={http(stamp() + month)}; Path=/", place="Set-Cookie")
    assert leak.where == "GET /reports, cookie seen, Expires"
    assert abs(leak.ahead - month) < 3 * MINUTE


@pytest.mark.parametrize(
    "tell",
    [
        lambda: str(time.time()),
        lambda: datetime.now(timezone.utc).isoformat(),
        lambda: time.strftime("%Y-%m-%d %H:%M:%S"),
        in_a_thread,
        lambda: in_sql("SELECT datetime(?)", datetime.now(timezone.utc).isoformat()),
        lambda: time.ctime(1_000_000_000.0),
        lambda: "2025-01-01T00:00:00Z",
        lambda: "no date at all",
    ],
)
def test_what_follows_the_freeze_or_was_written_down_shows_nothing(searched, tell):
    assert searched(tell)[1] == []


APPLICATION = """
import time
from dataclasses import dataclass, field
from functools import partial

from legacy_portals import make_portal


def stamp(now=time.time):
    return now()


@dataclass
class Visit:
    at: float = field(default_factory=time.time)


class Ticker:
    now = staticmethod(time.time)


bound, table = partial(time.time), {"now": time.time}


def make(users, secret_key):
    portal = make_portal(users, secret_key)
    told = [stamp, lambda: Visit().at, Ticker.now, bound, table["now"]]

    def application(environ, start_response):
        extra = [("X-Told", str(tell())) for tell in told]

        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, *extra], exc_info)

        return portal(environ, start)

    return application


def shows(users, secret_key):
    portal = make_portal(users, secret_key)

    def application(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Told", time.ctime())], exc_info)

        return portal(environ, start)

    return application


def without_a_door(users, secret_key):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<p>Hello"]

    return application
"""


@pytest.fixture
def leaks(tmp_path):
    """``leaks(factory)``: what ``mfa-sim leaks`` says of a factory of a module of its own, in a process of its own."""
    (tmp_path / "told.py").write_text(APPLICATION, encoding="utf-8")

    def run(factory):
        command = [sys.executable, "-m", "mfa_simulator", "leaks", f"told:{factory}"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_module_that_is_imported_in_the_freeze_binds_no_real_clock(leaks):
    done = leaks("make")
    assert "X-Told" not in done.stdout
    assert done.stderr == ""


def test_the_command_names_what_shows_and_ends_with_1(leaks):
    done = leaks("shows")
    assert done.returncode == 1
    assert done.stdout.startswith("LEAK  GET /, header X-Told: ")
    assert "more there)\n" in done.stdout
    assert "What was asked for the real time while the portal answered:\n  time.ctime() in " in done.stdout
    assert "told.py:" in done.stdout


def test_a_portal_that_nobody_can_sign_in_to_is_told_of(leaks):
    done = leaks("without_a_door")
    assert done.returncode == 0
    assert "Nobody could sign in" in done.stdout
    assert done.stdout.endswith("replies, no real clock shows\n")


def test_a_portal_that_cannot_be_made_ends_with_2(leaks):
    done = leaks("nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the module told has no nothing\n"


def test_scenario_files_reach_further_pages(tmp_path):
    file = tmp_path / "a.mfa.yaml"
    file.write_text("scenario: x\nsteps:\n  - visit: {browser: a, path: /sign-in}\n", encoding="utf-8")
    alone = CliRunner().invoke(main, ["leaks", "legacy_portals:make_portal"])
    more = CliRunner().invoke(main, ["leaks", "legacy_portals:make_portal", str(file)])
    assert int(more.stdout.splitlines()[-1].split()[0]) == int(alone.stdout.splitlines()[-1].split()[0]) + 1
    assert "as old as the file" in alone.stdout


def test_a_bad_scenario_file_ends_with_2(tmp_path):
    file = tmp_path / "a.mfa.yaml"
    file.write_text("scenario: x\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["leaks", "legacy_portals:make_portal", str(file)]).exit_code == 2
