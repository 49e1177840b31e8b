"""The layout of scenario files."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.errors import ScenarioFileError, SimulatorError
from mfa_simulator.language.layout import formatted

pytestmark = pytest.mark.any_python

UNTIDY = """\


# Why: an example.
scenario:   A story   # with a remark
users:
    # the owner
    user1:   { password : 'correct horse',phones: {pixel: ,spare:   } }


    user2:
          password: "battery  staple"
#  what happens
steps:
- sign_in: {user:  user1,
     browser: laptop, phone: pixel}
  expect:   {outcome: [ wrong_code,locked ] } # refused
-    visit:
         browser: laptop
     # before the expectation
     expect: {outcome: welcome}
   # the last one
- request:
    browser: laptop
    method: POST
    path: /
    body: |
      two   words

        {and:more}
finally:
-  wait: 1m
# the end"""
TIDY = """\
# Why: an example.
scenario: A story   # with a remark
users:
  # the owner
  user1: {password: 'correct horse', phones: {pixel: , spare: }}

  user2:
    password: "battery  staple"
#  what happens
steps:
  - sign_in: {user: user1,
       browser: laptop, phone: pixel}
    expect: {outcome: [wrong_code, locked]}  # refused
  - visit:
      browser: laptop
    # before the expectation
    expect: {outcome: welcome}
  # the last one
  - request:
      browser: laptop
      method: POST
      path: /
      body: |
        two   words

          {and:more}
finally:
  - wait: 1m
# the end
"""


def tidy(text):
    return formatted(text, file="story.mfa.yaml")


def test_an_untidy_file_gets_the_layout_and_keeps_words_comments_and_order():
    assert tidy(UNTIDY) == TIDY


def test_what_is_laid_out_stays():
    assert tidy(TIDY) == TIDY


def test_line_ends_and_the_byte_order_mark_of_another_system_go():
    assert tidy("\ufeff" + UNTIDY.replace("\n", "\r\n")) == TIDY


def test_anchors_and_aliases_stay():
    text = "users:\n    a: &a   {password: x}\n    b:  *a\n"
    assert tidy(text) == "users:\n  a: &a {password: x}\n  b: *a\n"


@pytest.mark.parametrize("text", ["", "a: [", "a: 1\na: 2\n", "\tb: 1"])
def test_what_cannot_be_read_is_a_problem_with_its_place(text):
    with pytest.raises(ScenarioFileError, match=r"story\.mfa\.yaml:\d+:\d+: "):
        tidy(text)


def test_a_file_that_would_say_something_else_is_left_alone():
    with pytest.raises(SimulatorError, match="cannot be formatted without a change to what it says"):
        tidy("a:\n  ? b\n  : c:\n    - d\n    e: f\n")


KEYS = st.text("abc", min_size=1, max_size=4)
WORDS = st.text("ab: #-'\"{},[]\n", max_size=8)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        WORDS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=3,
)


@given(document=DOCUMENTS, indent=st.integers(2, 7), flow=st.sampled_from([True, False, None]))
def test_whatever_is_laid_out_says_the_same_and_is_laid_out_once(document, indent, flow):
    text = yaml.safe_dump(document, indent=indent, default_flow_style=flow, width=30)
    once = tidy(text)
    assert yaml.load(once, Loader=yaml.BaseLoader) == yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    assert tidy(once) == once
