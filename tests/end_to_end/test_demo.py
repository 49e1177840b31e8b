"""The demo as a process: what it prints, how it ends, and what a command on its database changes."""

from __future__ import annotations

import re
import signal
import socket
import stat

import pytest

pytestmark = pytest.mark.any_python


def test_it_prints_the_database_the_accounts_and_the_address_in_this_order(start_demo):
    demo = start_demo()
    assert demo.said[0] == f"database: {demo.database}"
    assert demo.said[-1] == f"Client Portal: {demo.url}"
    accounts = [re.fullmatch(r"account: (\S+@\S+) (\S+) (user|support)", line) for line in demo.said[1:-1]]
    assert len(accounts) >= 4
    assert all(accounts)
    assert {account.group(3) for account in accounts} == {"user", "support"}


def test_it_accepts_connections_once_it_has_said_so(start_demo):
    demo = start_demo()
    with socket.create_connection(("127.0.0.1", demo.port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.recv(15).startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_exit_0_and_without_a_word(start_demo, number):
    demo = start_demo()
    code, seconds = demo.stop(number)
    assert code == 0
    assert seconds < 5  # the promise is one; this machine may be busy
    assert demo.lines.get(timeout=5) == ""


def test_a_busy_port_is_told_in_one_line(start_demo, run_command, tmp_path):
    demo = start_demo()
    options = ["--port", str(demo.port), "--database", str(tmp_path / "other.db")]
    failed = run_command("demo", *options)
    assert failed.returncode == 2
    assert (
        failed.stderr == f"wsgi-mfa: port {demo.port} on 127.0.0.1 is in use: choose another one by --port\n"
    )
    assert failed.stdout == f"database: {tmp_path / 'other.db'}\n"


@pytest.mark.requirement("R42")
def test_its_key_lies_beside_the_database_for_its_owner_alone(start_demo):
    demo = start_demo()
    keys = demo.database.with_name("demo.db.keys")
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(demo.database.stat().st_mode) == 0o600
    assert re.fullmatch(r"[\w-]+:[\w-]{43}\n", keys.read_text())


def test_keys_in_the_environment_win_and_no_file_is_made(start_demo, run_command):
    ring = run_command("keys", "generate", "--id", "mine").stdout.strip()
    demo = start_demo(env={"WSGI_MFA_KEYS": ring})
    assert not demo.database.with_name("demo.db.keys").exists()
    without = run_command(
        "support", "reset", "a@example.com", "--email", "a@example.com", "--reason", "x",
        "--database", str(demo.database), env={"WSGI_MFA_KEYS": None},
    )  # fmt: skip
    assert without.returncode == 2
    assert "set WSGI_MFA_KEYS" in without.stderr


@pytest.mark.requirement("D29")
def test_an_old_database_never_gets_a_new_key(start_demo, run_command):
    demo = start_demo()
    demo.stop()
    demo.database.with_name("demo.db.keys").unlink()
    failed = run_command("demo", "--database", str(demo.database), "--port", str(demo.port))
    assert failed.returncode == 2
    assert failed.stderr.startswith("wsgi-mfa: no keys: ")
    assert not demo.database.with_name("demo.db.keys").exists()


@pytest.mark.requirement("R45")
def test_a_reset_on_its_database_is_obeyed_at_once_and_a_restart_signs_nobody_out(
    start_demo, run_command, phone_of
):
    first = start_demo()
    user, password = first.account(0)
    person = first.person()
    person.sign_in(user, password)
    person.press("Trouble scanning?")
    person.enter_code(phone_of(person.page.by_id["key"]).code())
    person.store_recovery_code()
    assert f"Welcome, {user}" in person.page.words
    first.stop()

    second = start_demo("--port", str(first.port))
    person.open("/reports")
    assert "Reports" in person.page.words
    options = ["--email", user, "--reason", "lost the phone", "--database", str(second.database)]
    done = run_command("support", "reset", user, *options)
    assert (done.returncode, done.stdout) == (0, f"reset: {user} must enroll anew\n")
    person.open("/reports")
    assert "Set up your authenticator app" in person.page.words


def test_the_other_portal_is_served_as_well(start_demo, phone_of):
    demo = start_demo("--portal", "webob")
    user, password = demo.account(1)
    person = demo.person()
    person.sign_in(user, password)
    person.press("Trouble scanning?")
    person.enter_code(phone_of(person.page.by_id["key"]).code())
    person.store_recovery_code()
    assert user in person.page.words
    assert "Store your recovery code" not in person.page.words


def test_a_browser_that_insists_on_https_cookies_is_not_needed(start_demo):
    """Python's own clients never return Secure cookies over http, and cookies cross ports."""
    demo = start_demo()
    person = demo.person()
    person.sign_in(*demo.account(2))
    names = {cookie.name for cookie in person.cookies}
    assert f"wsgi_mfa_browser_{demo.port}" in names
    assert not any(cookie.secure for cookie in person.cookies)
