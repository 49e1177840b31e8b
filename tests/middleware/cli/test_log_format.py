"""The log of the servers has one format, which the fail2ban filter of the documentation reads (D37)."""

from __future__ import annotations

import configparser
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wsgi_mfa.cli.log_format import FORMAT, TIME_FORMAT, UtcFormatter

pytestmark = pytest.mark.any_python

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
FILTER = ROOT / "docs" / "fail2ban" / "wsgi-mfa.conf"
DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


@pytest.fixture
def failed():
    """The address that the filter bans for a line; fail2ban cuts the date out, and puts an address for <HOST>."""
    parser = configparser.ConfigParser()
    parser.read(FILTER)
    text = parser["Definition"]["failregex"].replace("<HOST>", r"(?P<host>[0-9a-fA-F:.]+)")
    expression = re.compile(text)

    def read(line):
        rest, found = re.subn(f"^{DATE}", "", line)
        match = expression.search(rest) if found else None
        return match["host"] if match else None

    return read


def line_of(message, *arguments, name="wsgi_mfa.audit", level=logging.INFO):
    record = logging.LogRecord(name, level, "", 0, message, arguments, None)
    record.created, record.msecs = 1_772_442_000.5, 500
    return UtcFormatter(FORMAT, TIME_FORMAT).format(record)


def event(kind="code.wrong", user="ann@example.com", source="203.0.113.5"):
    return line_of("%s user=%r source=%r %s", kind, user, source, "count='1'")


def test_a_line_begins_with_its_time_in_utc():
    assert event() == (
        "2026-03-02T09:00:00Z INFO wsgi_mfa.audit: code.wrong user='ann@example.com' source='203.0.113.5' count='1'"
    )


@pytest.mark.parametrize("kind", ["code.wrong", "lock.started", "enrollment.wrong_code"])
@pytest.mark.parametrize("source", ["203.0.113.5", "2001:db8::7"])
def test_the_filter_bans_the_source_of_wrong_codes(failed, kind, source):
    assert failed(event(kind, source=source)) == source


@pytest.mark.parametrize("kind", ["sign_in.accepted", "code.wrongly", "support.reset"])
def test_the_filter_bans_no_one_else(failed, kind):
    assert failed(event(kind)) is None


@pytest.mark.parametrize(
    "user",
    [
        "x' source='198.51.100.1' y='",
        "x\" source='198.51.100.1'",
        "x'\" source='198.51.100.1'",
        "\\' source='198.51.100.1'",
        "a\nb' source='198.51.100.1'",
    ],
)
def test_no_user_name_poses_as_a_source(failed, user):
    assert failed(event(user=user)) == "203.0.113.5"


def test_another_logger_bans_no_one(failed):
    line = line_of("code.wrong user='a' source='203.0.113.5'", name="portal")
    assert failed(line) is None


def test_a_server_logs_in_this_format():
    script = (
        "import logging; from wsgi_mfa.cli.log_format import log_with_time; log_with_time();"
        " logging.getLogger('wsgi_mfa').warning('hello')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"TZ": "Asia/Tokyo"}
    )
    assert re.fullmatch(f"{DATE}Z WARNING wsgi_mfa: hello\n", done.stderr)
