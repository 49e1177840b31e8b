"""The modules that a request enters, as docs/architecture.md prints them: how much there is to read for one path.

After a change, run ``python tests/architecture/test_walk.py``, which prints them into the page again.
"""

from __future__ import annotations

import random
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import pyotp
import pytest
from werkzeug.test import Client

from wsgi_mfa import KeyRing, MfaMiddleware, RemoteUser

pytestmark = pytest.mark.any_python

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "architecture.md"
BEGIN, END = "<!-- The walk: begin -->\n", "<!-- The walk: end -->\n"
POST, PASSED = "A POST of a right code", "A request that passes"
#: What there is; the goals are 36 and 14. A number here may shrink, never grow, but for a new concept. The POST is
#: above its goal by concepts that came later: known browsers, the public URL, the ways of being reached with their
#: cookie labels, the cache of cookie headers, the service that was parted from its transactions, and
#: the spelling of user names.
AT_MOST = {POST: 46, PASSED: 14}


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_772_442_000

    def now(self) -> int:
        return self.seconds * 1_000_000

    def sleep(self, seconds: float) -> None:
        self.seconds += 1


class Entropy:
    def __init__(self) -> None:
        self._random = random.Random("walk")

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


class User:
    """One user at one browser, who asks in JSON."""

    def __init__(self, application: MfaMiddleware) -> None:
        self._client = Client(application)

    def ask(self, method: str, url: str, body: object = None) -> Any:
        answer = self._client.open(
            url,
            method=method,
            json=body,
            base_url="https://portal.example",
            environ_overrides={"REMOTE_USER": "user1", "REMOTE_ADDR": "192.0.2.1"},
            headers={"Accept": "application/json"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json


def portal(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b"{}"]


def entered(call: Callable[[], object]) -> list[str]:
    """Return the modules of the package whose functions run during a call, in the order of their first."""
    found: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        name = frame.f_globals.get("__name__", "")
        # What `dataclasses` generates has its globals from the module of the dataclass, but no file.
        if event == "call" and name.startswith("wsgi_mfa") and frame.f_code.co_filename != "<string>":
            found.setdefault(name)

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return list(found)


def walks(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the title and the modules of each request; what is due once per worker and second was done before."""
    clock = Clock()
    application = MfaMiddleware(
        portal,
        issuer="Client Portal",
        identity=RemoteUser(),
        store=f"sqlite:///{folder}/mfa.db",
        keys=KeyRing([("k1", bytes(range(32)))]),
        clock=clock,
        entropy=Entropy(),
    )
    first, second = User(application), User(application)
    key = first.ask("GET", "/mfa/enroll")["key"]

    def code() -> dict[str, str]:
        return {"code": pyotp.TOTP(key).at(clock.seconds)}

    first.ask("POST", "/mfa/enroll", code())
    first.ask("POST", "/mfa/recovery-code", {"saved": True})
    first.ask("GET", "/reports")
    clock.seconds += 60
    # The file of the store is looked at again after a hundredth of a second, which here does not go by.
    with patch("time.monotonic", lambda: 0.0):
        first.ask("GET", "/reports")  # the worker's report, which is due once a minute, is made by this one
        yield POST, entered(lambda: second.ask("POST", "/mfa/verify", code()))
        second.ask("GET", "/reports")
        yield PASSED, entered(lambda: second.ask("GET", "/reports"))


def printed(found: dict[str, list[str]]) -> str:
    parts = []
    for title, modules in found.items():
        names = ", ".join(f"`{name.removeprefix('wsgi_mfa.').replace('.', '/')}`" for name in modules)
        lines = textwrap.fill(names, 100, break_on_hyphens=False)
        parts.append(f"{title} enters {len(modules)} modules, in this order:\n\n{lines}\n")
    return "\n".join(parts)


def parts_of(page: str) -> tuple[str, str, str]:
    before, begin, rest = page.partition(BEGIN)
    between, end, after = rest.partition(END)
    assert begin, f"{PAGE.name} lacks the line {BEGIN}"
    assert end, f"{PAGE.name} lacks the line {END}"
    return before + begin, between, end + after


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return dict(walks(tmp_path_factory.mktemp("walk")))


def test_the_page_shows_the_walks_of_today(found):
    between = parts_of(PAGE.read_text(encoding="utf-8"))[1]
    assert between == printed(found), "run `python tests/architecture/test_walk.py`"


@pytest.mark.parametrize("title", AT_MOST)
def test_a_walk_is_as_long_as_it_was(found, title):
    assert len(found[title]) == AT_MOST[title], "if it is fewer, write the lower number"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        text = printed(dict(walks(Path(place))))
    before, _, after = parts_of(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(before + text + after, encoding="utf-8")
    print(text)
