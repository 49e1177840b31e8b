"""Strings that are data do not change by accident: stored, signed, sealed, counted, logged, or seen by a client.

``golden.txt`` holds them. After a change on purpose, run ``python tests/architecture/golden.py`` and explain the
lines that differ.
"""

from __future__ import annotations

import importlib.util
import sys

import pytest

pytestmark = pytest.mark.any_python


@pytest.fixture(scope="module")
def golden(root):
    spec = importlib.util.spec_from_file_location("golden", root / "tests" / "architecture" / "golden.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def present(golden):
    return golden.collected()


def test_every_string_that_is_data_is_the_one_of_the_golden_file(golden, present):
    found = golden.changes(golden.read(golden.FILE.read_text(encoding="utf-8")), present)
    advice = "changed on purpose? run `python tests/architecture/golden.py` and explain each line"
    assert not found, "\n".join([*found, advice])


def test_what_is_written_is_read_again(golden, present):
    assert golden.changes(golden.read(golden.text_of(present)), present) == []


def test_a_changed_string_is_shown_as_gone_and_as_new(golden):
    old = golden.read(golden.text_of({"words": {"wrong_code", "locked"}}))
    assert golden.changes(old, {"words": {"bad_code", "locked"}}) == [
        "- words: wrong_code",
        "+ words: bad_code",
    ]


def test_a_section_that_is_gone_is_shown(golden):
    assert golden.changes({"words": {"locked"}}, {}) == ["- words: locked"]


@pytest.mark.parametrize(
    ("source", "tokens"),
    [
        ('KIND = "code.wrong"', {"code.wrong"}),
        ('LABEL = b"seal"', {"seal"}),
        ('kind = f"{purpose}.accepted"', {"{}.accepted"}),
        ('body = {"retry_after": 3}', {"retry_after"}),
        ('environ.get("HTTP_COOKIE", "")', {"HTTP_COOKIE"}),
    ],
)
def test_strings_without_a_blank_are_data(golden, source, tokens):
    assert golden.tokens_of(source) == tokens


@pytest.mark.parametrize(
    "source",
    [
        'raise ValueError("no such user")',
        'raise ValueError(f"{name} is no setting")',
        'def f():\n    "word"\n',
        'class C:\n    __slots__ = ("name",)\n',
        '__all__ = ["Policy"]',
        'getattr(value, "name")',
        'def f(x: "Policy") -> "Account": ...',
        'T = TypeVar("T_co")',
        'cast("Account", value)',
        'PATTERN = re.compile(r"[a-z]+")',
    ],
)
def test_prose_names_and_patterns_are_no_data(golden, source):
    assert golden.tokens_of(source) == set()


def test_a_logger_may_be_named_like_a_module(golden):
    assert list(golden.loggers_of('logging.getLogger("wsgi_mfa.audit")')) == ["wsgi_mfa.audit"]


@pytest.mark.parametrize(
    "section",
    [
        "command mfa-sim", "command wsgi-mfa", "document of one account", "document of one event",
        "journey: answers", "journey: environ keys", "journey: tables of SQLite", "keys", "metrics", "mfa.toml",
        "openapi", "policy", "scenario files", "wsgi_mfa: loggers", "wsgi_mfa: values of enums", "wsgi_mfa: words",
    ],
)  # fmt: skip
def test_no_section_is_empty(present, section):
    assert present[section]
