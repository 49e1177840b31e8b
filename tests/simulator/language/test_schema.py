"""The JSON Schema for editors: made of the parser's tables, and of the parser's opinion."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language.format.examples import EXAMPLES, example_file
from mfa_simulator.language.format.tables import TOP
from mfa_simulator.language.format.verbs import BY_NAME
from mfa_simulator.language.parser import parse
from mfa_simulator.language.schema import scenario_schema, schema_text
from mfa_simulator.problems import RULES

pytestmark = pytest.mark.any_python

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").exists())
FOLDER = ROOT / "fixtures" / "scenarios"
FILES = sorted(FOLDER.rglob("*.mfa.yaml"))
HEAD = "scenario: x\nusers: {u: {password: x, phones: {p: }}}\n"


class Yaml12(yaml.BaseLoader):
    """YAML as editors read it: numbers, true, false and null are what they look like, `yes` and dates are texts."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern in (
    ("bool", r"true|True|TRUE|false|False|FALSE"),
    ("null", r"~|null|Null|NULL|"),
    ("int", r"[-+]?[0-9]+"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
):
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), None)
Yaml12.add_constructor("tag:yaml.org,2002:bool", lambda _, node: node.value.lower() == "true")
Yaml12.add_constructor("tag:yaml.org,2002:null", lambda _, node: None)
Yaml12.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
Yaml12.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))


def read(text):
    """What an editor makes of a file."""
    return yaml.load(text, Yaml12)  # noqa: S506  # it makes nothing but texts, numbers and truth values


@pytest.fixture(scope="module")
def validator():
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_shipped_file_is_what_the_tables_say():
    shipped = resources.files("mfa_simulator").joinpath("mfa-scenario.schema.json")
    assert shipped.read_text(encoding="utf-8") == schema_text()
    assert json.loads(schema_text())["properties"].keys() == TOP.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_schema_and_parser_both_accept_each_scenario_file(validator, path):
    text = path.read_text(encoding="utf-8")
    parse(text, file=str(path))
    assert [error.message for error in validator.iter_errors(read(text))] == []


@pytest.mark.parametrize("verb", BY_NAME)
def test_schema_and_parser_both_accept_the_example_of_a_verb(validator, verb):
    assert verb in EXAMPLES
    parse(example_file(verb), file="x")
    assert [error.message for error in validator.iter_errors(read(example_file(verb)))] == []


BAD = [
    ("unknown-key", "colour: blue\nsteps: [wait: 1s]\n"),
    ("missing-key", ""),
    ("wrong-value", "start: 2026-01-01\nsteps: [wait: 1s]\n"),
    ("wrong-value", "seed: -1\nsteps: [wait: 1s]\n"),
    ("wrong-value", "workers: 65\nsteps: [wait: 1s]\n"),
    ("unknown-key", "policy: {steps_bak: 1}\nsteps: [wait: 1s]\n"),
    ("policy", "policy: {steps_back: 9}\nsteps: [wait: 1s]\n"),
    ("policy", "policy: {enrollment: shut}\nsteps: [wait: 1s]\n"),
    ("wrong-shape", "policy: [1]\nsteps: [wait: 1s]\n"),
    ("unknown-key", "network: {loose: response}\nsteps: [wait: 1s]\n"),
    ("wrong-value", "network: {lose: both}\nsteps: [wait: 1s]\n"),
    ("duration", "network: {latency: 20}\nsteps: [wait: 1s]\n"),
    ("unknown-name", "always: {nothing: off}\nsteps: [wait: 1s]\n"),
    ("wrong-shape", "blocks: {a: 1}\nsteps: [wait: 1s]\n"),
    ("matrix", "matrix: {seed: 1}\nsteps: [wait: 1s]\n"),
    ("matrix", "matrix: {sed: [1]}\nsteps: [wait: 1s]\n"),
    ("wrong-value", "steps: []\n"),
    ("wrong-shape", "steps: [wait]\n"),
    ("duration", "steps: [wait: 5]\n"),
    ("duration", "steps: [wait: -5s]\n"),
    ("wrong-value", "steps: [wait_until: stepp+1s]\n"),
    ("unknown-verb", "steps: [wate: 5s]\n"),
    ("one-verb", "steps: [{wait: 1s, restart: }]\n"),
    ("one-verb", "steps: [{expect: {outcome: welcome}}]\n"),
    ("missing-key", "steps: [enroll: {user: u, browser: b}]\n"),
    ("unknown-key", "steps: [enroll: {user: u, browser: b, phone: p, phon: p}]\n"),
    ("one-of", "steps: [set_clock: {phone: p}]\n"),
    ("one-of", "steps: [set_clock: {phone: p, offset: 1s, jump: 1s}]\n"),
    ("one-of", "steps: [sign_in: {user: u, browser: b, phone: p, code: '1'}]\n"),
    ("wrong-value", "steps: [visit: {browser: b, path: home}]\n"),
    ("wrong-value", "steps: [password: {user: u, browser: b, wrong: maybe}]\n"),
    ("wrong-value", "steps: [{visit: {browser: b}, expect: {outcome: fine}}]\n"),
    ("wrong-value", "steps: [{visit: {browser: b}, expect: {status: 99}}]\n"),
    ("unknown-name", "steps: [{visit: {browser: b}, expect: {page: verfy}}]\n"),
    ("unknown-name", "steps: [{visit: {browser: b}, expect: {events: [code.wrong, code.right]}}]\n"),
    ("impossible-expectation", "steps: [{wait: 1s, expect: {outcome: welcome}}]\n"),
    ("impossible-expectation", "steps: [{visit: {browser: b}, expect: {outcome: unlocked}}]\n"),
    ("one-verb", "steps: [{wait: 1s, network: {lose: request}}]\n"),
    ("one-verb", "steps: [together: [restart: ]]\n"),
    ("wrong-shape", "steps: [together: []]\n"),
]
ONLY_THE_PARSER = [
    ("yaml", "steps: [\n"),
    ("duplicate-key", "steps: [wait: 1s]\nseed: 1\nseed: 2\n"),
    ("unknown-name", "steps: [enroll: {user: v, browser: b, phone: p}]\n"),
    ("unknown-name", "steps: [use: nothing]\n"),
    ("never-works", "steps: [retry: {browser: b}]\n"),
]


def rules_broken(text):
    with pytest.raises(ScenarioFileError) as caught:
        parse(text, file="x")
    return {problem.rule for problem in caught.value.problems}


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_schema_and_parser_both_refuse_a_bad_file(validator, rule, text):
    assert rules_broken(HEAD + text) == {rule}
    assert list(validator.iter_errors(read(HEAD + text)))


@pytest.mark.parametrize(("rule", "text"), ONLY_THE_PARSER)
def test_the_parser_knows_the_rest(rule, text):
    assert rules_broken(HEAD + text) == {rule}


def test_every_rule_is_broken_by_some_bad_file():
    assert {rule for rule, _ in (*BAD, *ONLY_THE_PARSER)} == set(RULES) - {"unreadable-file"}
