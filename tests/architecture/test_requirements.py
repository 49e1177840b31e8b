"""The page of requirements is what the markers in the tests make it, and hides nothing that is not met."""

from __future__ import annotations

import importlib.util

import pytest

pytestmark = pytest.mark.any_python


@pytest.fixture(scope="module")
def generator(root):
    spec = importlib.util.spec_from_file_location("requirements_page", root / "docs" / "requirements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data(generator):
    return generator.read_data()


@pytest.fixture(scope="module")
def markers(generator):
    return generator.read_markers()


def test_every_requirement_and_decision_has_its_line(data):
    expected = [f"R{number}" for number in range(1, 89)] + [f"D{number}" for number in range(1, 39)]
    expected += [
        "D39",
        "D39a",
        "D40",
        "D41",
        "D42",
        "D43a",
        "D43",
        "D44",
        "D45",
        "D46",
        "D47",
        "D48a",
        "D48",
        "D49",
        "D50",
        "D51",
        "D52",
    ]
    assert list(data["holds"]) == expected


def test_a_marker_names_only_what_there_is(data, markers):
    assert set(markers) - set(data["holds"]) == set()


def test_what_is_not_met_is_listed_as_such_and_the_rest_has_tests(data, markers):
    assert set(data["not_met"]) == set(data["holds"]) - set(markers)
    assert set(data["partly"]) <= set(markers)
    assert set(data["amended"]) <= set(data["holds"])


def test_the_page_has_one_row_for_each_with_the_tests_that_show_it(generator, data, markers):
    rows = [row for row in generator.page(data, markers).split("\n") if row.startswith(("| R", "| D"))]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == list(data["holds"])
    assert [row for row in rows if "](../tests/" not in row and "**not met**" not in row] == []


def test_a_marker_that_is_not_written_out_is_an_error(generator, tmp_path):
    text = "import pytest\nRULES = ('R1',)\n@pytest.mark.requirement(*RULES)\ndef test_it(): pass\n"
    (tmp_path / "test_it.py").write_text(text)
    with pytest.raises(ValueError, match=r"test_it\.py:3"):
        generator.read_markers(tmp_path)


@pytest.mark.requirement("R88")
@pytest.mark.parametrize(
    "told",
    [
        "**Codes are not phishing-resistant.**",
        "**a deviation**",
        "`session_idle_seconds`, `session_seconds_max`",
        "## Locks",
        "## Duties of the server or proxy in front",
        "## Reset",
    ],
)
def test_the_security_page_says_what_a_reviewer_must_know(root, told):
    assert told in (root / "SECURITY.md").read_text(encoding="utf-8")
