"""The tables of the format know what the middleware can show and record."""

from __future__ import annotations

import ast
import re

import pytest

from mfa_simulator.language.format.outcomes import EVENT_KINDS, PAGE_NAMES
from mfa_simulator.language.format.tables import EXPECT, PAGE_SPELLINGS
from mfa_simulator.world.reply_reader import page_name

pytestmark = pytest.mark.any_python

# Templates that are parts of pages, and what stands in their names' place.
NO_PAGES = {"base", "parts", "problem", "reasons", "unsent"}
# Two purposes have the same event but for its first word.
PURPOSES = {"sign_in.accepted", "step_up.accepted"}
KIND = re.compile(r"[a-z_]+\.[a-z_]+")


def test_every_page_of_the_middleware_can_be_expected(root):
    templates = (root / "middleware" / "wsgi_mfa" / "web" / "templates").glob("*.html")
    names = {page_name(template.stem) for template in templates if template.stem not in NO_PAGES}
    assert names - {page_name("enroll_manual")} | {"enroll/manual"} == set(PAGE_NAMES)


def test_every_event_of_the_middleware_can_be_expected(root):
    package = root / "middleware" / "wsgi_mfa"
    files = [
        *(package / "core").glob("*.py"),
        package / "service.py",
        package / "operations" / "key_rotation.py",
    ]
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
                found.add(node.value)
    found -= {text for text in found if text.startswith("wsgi_mfa.")}
    assert found | PURPOSES | {"sign_out"} == set(EVENT_KINDS)


@pytest.mark.parametrize("spelling", ["recovery-code", "recovery_code", "/mfa/recovery-code"])
def test_a_page_may_be_spelt_by_its_name_or_its_address(spelling):
    assert PAGE_SPELLINGS[spelling] == "recovery-code"


def test_every_key_of_an_expectation_says_what_it_is_about():
    assert [key.name for key in EXPECT if not key.about] == []
