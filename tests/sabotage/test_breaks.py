"""The breaks of the middleware differ, and the tool that plays them tells what it found."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("sabotage_breaks", HERE / "breaks.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks for its annotations
    spec.loader.exec_module(module)
    return module


def run(*arguments):
    command = [sys.executable, str(HERE / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_there_are_many_breaks_each_with_a_name_of_its_own(tool):
    breaks = tool.read_breaks()
    assert len(breaks) >= 100
    assert [name for name, count in Counter(each.name for each in breaks).items() if count > 1] == []
    changes = Counter((each.module, each.function, each.old, each.new) for each in breaks)
    assert [change for change, count in changes.items() if count > 1] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"old": "this rule is gone"}, "core.access_rules has this 0 times: 'this rule is gone'"),
        ({"new": "import re"}, "the change of core.access_rules changes nothing"),
        ({"new": "import re)"}, "unmatched ')'"),
        ({"function": "no_such_function"}, "there is no no_such_function"),
        ({"function": "rule_for"}, "core.access_rules:rule_for has this 0 times: 'import re'"),
        ({"likely": ("attacks/of-nobody",)}, "there is no scenario attacks/of-nobody"),
    ],
)
def test_a_break_that_fits_no_more_is_told(tool, change, told):
    broken = tool.Break(area="x", name="y", module="core.access_rules", old="import re", new="", likely=())
    assert list(tool.misfits([replace(broken, new="import sys")], tool.package_folder())) == []
    (problem,) = tool.misfits([replace(broken, **{"new": "import sys", **change})], tool.package_folder())
    assert problem.startswith("x.toml: y: ")
    assert told in problem


def test_a_break_is_caught_at_a_line_of_a_scenario():
    done = run("-j", "1", "a used code is good again")
    assert (done.returncode, done.stderr) == (0, "")
    assert "caught      a used code is good again\n" in done.stdout
    assert "            by attacks/seen-code-over-time.mfa.yaml:" in done.stdout
    assert "invariant code_once: the code of step " in done.stdout
    assert "1 of 1 came out as they should" in done.stdout
