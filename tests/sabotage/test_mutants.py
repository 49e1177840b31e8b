"""Mutants are drawn from every place of the rules and pages, and each changes exactly one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("sabotage_mutants", HERE / "mutants.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks for its annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def package():
    import wsgi_mfa

    return Path(wsgi_mfa.__file__).parent


def test_there_are_many_of_each_kind_in_both_parts(tool, package):
    every = tool.sites(package)
    kinds = Counter(mutant.kind for mutant in every)
    parts = Counter(mutant.module.partition(".")[0] for mutant in every)
    assert set(kinds) == {"comparison", "constant", "dropped call"}
    assert min(kinds.values()) > 100
    assert min(parts["core"], parts["web"]) > 400
    assert len({(mutant.module, mutant.start, mutant.end, mutant.new) for mutant in every}) == len(every)


def test_a_mutant_changes_its_place_and_no_other(tool, package):
    for mutant in tool.chosen(package, seed=3, count=60):
        source, changed = mutant.path(package).read_bytes(), mutant.applied(package).encode()
        assert changed != source
        assert changed[: mutant.start] == source[: mutant.start]
        assert changed[mutant.start + len(mutant.new.encode()) :] == source[mutant.end :]
        compile(changed, mutant.module, "exec", dont_inherit=True)


def test_the_same_seed_draws_the_same_mutants(tool, package):
    first, again = (tool.chosen(package, seed=7, count=38) for _ in range(2))
    assert first == again
    assert len(first) == 38
    assert first != tool.chosen(package, seed=8, count=38)


def test_each_kind_of_change_is_made_where_it_can_show(tool, tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "web").mkdir()
    text = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    WAIT = 5\n"
        "def rule(account: int = 1, *, now: 'int') -> bool:\n"
        "    logger.info('seen')\n"
        "    save(account)\n"
        "    account = settled(account, now)\n"
        "    return account < 30 or now is not None\n"
    )
    (tmp_path / "core" / "rule.py").write_text(text, encoding="utf-8")
    found = [(mutant.line, mutant.kind, mutant.new) for mutant in tool.sites(tmp_path)]
    assert sorted(found) == [
        (4, "constant", "2"),
        (6, "dropped call", "pass"),
        (7, "dropped call", "account"),
        (8, "comparison", " <= "),
        (8, "comparison", " is "),
        (8, "constant", "31"),
    ]


def test_a_place_that_has_changed_is_told(tool, package, tmp_path):
    mutant = tool.chosen(package, seed=1, count=1)[0]
    file = mutant.path(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text("x = 1\n" * 9999, encoding="utf-8")
    with pytest.raises(ValueError, match="has changed"):
        mutant.applied(tmp_path)


def test_the_tool_counts_what_was_noticed():
    command = [
        sys.executable,
        str(HERE / "mutate.py"),
        "--count",
        "1",
        "--seed",
        "38",
        "--for",
        "1",
        "--least",
        "0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 of ")
    assert " of 1 noticed, 0 false alarms" in done.stdout
