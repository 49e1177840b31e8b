"""Who holds a real clock."""

from __future__ import annotations

import sys
import types

import pytest

from mfa_simulator.real_clocks.sources import held_clocks

pytestmark = pytest.mark.any_python


@pytest.fixture
def held_by(monkeypatch):
    """``held_by(text)``: what a module with this text holds, without the name of the module."""

    def run(text):
        module = types.ModuleType("a_library")
        monkeypatch.setitem(sys.modules, "a_library", module)
        exec(text, vars(module))  # noqa: S102  # a text of this file
        return [words.removeprefix("a_library.") for words in held_clocks() if words.startswith("a_library.")]

    return run


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("import time\ndef f(a, now=time.time): pass", "f, the default of its argument now"),
        ("import time\ndef f(*, now=time.time_ns): pass", "f, the default of its argument now"),
        ("import datetime\ndef f(now=datetime.datetime.now): pass", "f, the default of its argument now"),
        (
            "import time\ndef make(now):\n    return lambda: now()\nf = make(time.time)",
            "f, its variable now",
        ),
        ("import time\nclocks = {'wall': time.time}", "clocks['wall']"),
        ("import time, functools\nf = functools.partial(time.time)", "f, a partial"),
        ("import time\nclass Clock:\n    now = time.time", "Clock.now, an attribute of the class"),
        (
            "import time\nclass Clock:\n    def tell(self, now=time.time): pass",
            "Clock.tell, the default of its argument now",
        ),
        (
            """
import time
from dataclasses import dataclass, field
@dataclass
class Visit:
    at: float = field(default_factory=time.time)
""",
            "Visit.at, the default of a field",
        ),
    ],
)
def test_a_clock_that_is_held_is_named_by_its_place(held_by, text, held):
    assert held in held_by(text)


@pytest.mark.parametrize(
    "text",
    [
        "import time\ndef f():\n    return time.time()",
        "from time import time",  # such a name is replaced by the freeze
        "import time\ndef f(wait=time.sleep): pass",
    ],
)
def test_what_a_freeze_reaches_is_not_held(held_by, text):
    assert held_by(text) == []


def test_a_proxy_is_not_asked_for_what_it_stands_for(held_by):
    text = """
from werkzeug.local import LocalProxy
def current():
    raise AssertionError("nothing is current")
session = LocalProxy(current)
"""
    assert held_by(text) == []
