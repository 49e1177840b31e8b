"""The catalogue of scenarios is what the files make it; its stories differ, and every complaint has its answer."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter

import pytest

pytestmark = pytest.mark.any_python


@pytest.fixture(scope="module")
def generator(root):
    spec = importlib.util.spec_from_file_location("catalogue_page", root / "docs" / "catalogue.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks for its annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data(generator):
    return generator.read_data()


@pytest.fixture(scope="module")
def stories(generator):
    return generator.read_stories()


def test_there_are_many_stories_and_no_two_alike(stories):
    assert len(stories) >= 60
    for said in (
        [story.title for story in stories],
        [story.why for story in stories],
        [story.name for story in stories],
        [story.path.read_text(encoding="utf-8").partition("steps:")[2] for story in stories],
    ):
        assert [text for text, count in Counter(said).items() if count > 1] == []


def test_a_file_is_named_after_its_story_and_stands_with_its_theme(data, stories):
    assert [story.name for story in stories if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", story.name)] == []
    assert {story.theme for story in stories} == set(data["themes"])


def test_every_story_says_in_its_first_line_why_it_exists_and_has_tags(generator, stories):
    first_lines = {story.name: story.path.read_text(encoding="utf-8").split("\n", 1)[0] for story in stories}
    assert [name for name, line in first_lines.items() if not line.startswith(generator.WHY)] == []
    assert [story.name for story in stories if not story.tags] == []


def test_every_complaint_is_played_or_says_why_not(data, stories):
    played = {number for story in stories for number in story.complaints}
    assert list(data["complaints"]) == [str(number) for number in range(1, 26)]
    assert played | set(data["not_played"]) == set(data["complaints"])
    assert played & set(data["not_played"]) == set()
    assert set(data["remarks"]) <= played


def test_the_page_has_every_story(generator, data, stories):
    made = generator.page(data, stories)
    assert [story.name for story in stories if f"{story.name}.mfa.yaml" not in made] == []
