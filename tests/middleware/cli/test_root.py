"""How commands fail: one line that names what was wrong and what is legal, and exit 2."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from wsgi_mfa.cli.root import root


@pytest.mark.parametrize(
    ("arguments", "named", "legal"),
    [
        (["nonsense"], "'nonsense'", "demo, "),
        (["support", "nonsense"], "'nonsense'", "reset, unlock"),
        (["demo", "--nonsense"], "'--nonsense'", "--host, --port, --database, --portal"),
        (["demo", "--port", "99999"], "'--port'", "1 to 65535"),
        (["demo", "--port", "many"], "'many'", "1 to 65535"),
        (["demo", "--port"], "'--port'", "requires an argument"),
        (["demo", "--portal", "zope"], "'zope'", "werkzeug"),
        (["demo", "surplus"], "surplus", "--help"),
        (["accounts", "show"], "'USER'", "--help"),
        (["accounts", "list"], "--config FILE", "--database PATH"),
        (["accounts", "list", "--limit", "0", "--database", "x"], "'--limit'", "1 to 10000"),
        (["support", "reset", "user1", "--database", "x"], "'--email'", "--help"),
        (["keys", "generate", "--id", "a b"], "key id", "1 to 32 of A-Z"),
        (["serve"], "'MODULE:APP'", "--help"),
        (["check"], "'--config'", "--help"),
    ],
)
def test_bad_input_gives_one_line_and_exit_2(run, arguments, named, legal):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"wsgi-mfa: .*\n", done.err), done.err
    assert named in done.err
    assert legal in done.err


@pytest.mark.parametrize("arguments", [[], ["support"], ["accounts"], ["keys"], ["store"]])
def test_a_command_alone_shows_what_can_follow_it(run, arguments):
    done = run(*arguments)
    assert done.code == 2
    assert "Commands:" in done.out + done.err


def all_commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from all_commands(command, (*path, name))


@pytest.mark.parametrize("path", [(), *all_commands(root)], ids=" ".join)
def test_every_command_has_a_help_that_fits_into_80_columns(run, path):
    done = run(*path, "--help")
    assert (done.code, done.err) == (0, "")
    assert all(len(line) <= 80 for line in done.out.splitlines())
    first = done.out.splitlines()[2].strip()
    assert first[0].isupper()
    assert run(*path, "-h").out == done.out


def test_no_help_is_cut_off_in_a_list_of_commands(run):
    for path in [(), ("support",), ("accounts",), ("keys",), ("store",)]:
        cut_off = [line for line in run(*path, "--help").out.splitlines()[1:] if line.endswith("...")]
        assert cut_off == [], path


def test_the_version_is_the_packages(run):
    assert run("--version").out == f"wsgi-mfa, version {version('wsgi-mfa')}\n"


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "wsgi_mfa", "keys", "generate"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


# A database that cannot be used.


@pytest.fixture(params=["accounts list", "accounts show user1", "store fence", "support reset user1"])
def on_a_database(request, run):
    """``on_a_database(path)``: each command that works on an existing store, in turn."""
    options = ["--email", "user1@example.com", "--reason", "lost"] if "reset" in request.param else []
    return lambda path: run(*request.param.split(), *options, "--database", path)


def test_a_missing_database_is_named_and_not_made(on_a_database, tmp_path):
    done = on_a_database(tmp_path / "none.db")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"wsgi-mfa: there is no store at {tmp_path}/none.db: correct the path, or make a store with"
        " `wsgi-mfa store init`\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\x00" + bytes(100), b""])
def test_a_foreign_file_is_named_and_left_as_it_is(on_a_database, tmp_path, content):
    path = tmp_path / "foreign.db"
    path.write_bytes(content)
    done = on_a_database(path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"wsgi-mfa: {path} cannot be used as a store: ")
    assert done.err.count("\n") == 1
    assert path.read_bytes() == content
    assert not path.with_name("foreign.db.keys").exists()


def test_a_folder_in_place_of_a_database_is_named(on_a_database, tmp_path):
    done = on_a_database(tmp_path)
    assert done.code == 2
    assert done.err.startswith(f"wsgi-mfa: {tmp_path} cannot be used as a store: ")
