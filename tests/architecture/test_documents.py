"""What the documents say is what the code does."""

from __future__ import annotations

import configparser
import doctest
import importlib
import re
import sys

import pytest

import wsgi_mfa

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCUMENTS = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")


@pytest.fixture(scope="module")
def texts(root):
    return {name: (root / name).read_text(encoding="utf-8") for name in DOCUMENTS}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tox(root):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(root / "tox.ini", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def ci(root):
    return (root / ".ci" / "run").read_text(encoding="utf-8")


def fenced(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def readme_commands(texts):
    return [line for block in fenced(texts["README.md"], "sh") for line in block.splitlines()]


def test_the_readme_has_one_command_to_see_it_and_one_to_test_it(texts):
    assert readme_commands(texts) == [
        "python -m pip install tox && python -m tox run -e demo",
        "python -m pip install tox && python -m tox run",
    ]


def test_continuous_integration_runs_the_command_of_the_readme(texts, ci):
    assert readme_commands(texts)[1] in [line.strip() for line in ci.splitlines()]


def test_every_environment_that_is_named_exists(texts, tox, ci):
    known = {section.removeprefix("testenv:") for section in tox.sections()}
    known |= set(re.split(r",\s*", tox["tox"]["env_list"]))
    named = re.findall(r"tox run -e ([\w,]+)", "\n".join([*texts.values(), ci]))
    assert {name for group in named for name in group.split(",")} <= known


def test_all_places_name_the_same_python_versions(texts, tox, project, ci):
    tested = [int(minor) for minor in re.findall(r"py3(\d+)", tox["tox"]["env_list"])]
    classifiers = "\n".join(project["project"]["classifiers"])
    assert [int(minor) for minor in re.findall(r":: 3\.(\d+)$", classifiers, re.MULTILINE)] == tested
    assert project["project"]["requires-python"] == f">=3.{tested[0]}"
    assert project["tool"]["ruff"]["target-version"] == f"py3{tested[0]}"
    assert f"Python 3.{tested[0]} or later" in texts["README.md"]
    for name in ("README.md", "CONTRIBUTING.md"):
        assert f"from Python 3.{tested[0]} to 3.{tested[-1]}" in texts[name]
    required = re.search(r"for version in ((?:3\.\d+ ?)+);", ci)
    assert required is not None
    assert required[1].split() == [f"3.{minor}" for minor in tested if minor < 14]


def test_links_lead_to_files_of_the_repository(texts, root):
    links = [link for text in texts.values() for link in re.findall(r"\]\((?!https?:)([^)#]+)", text)]
    assert links
    assert [link for link in links if not (root / link).is_file()] == []


def test_documents_name_only_what_is_exported(texts):
    text = "".join(texts.values())
    named = set(re.findall(r"\b(wsgi_mfa(?:\.[a-z_]+)*)\.([A-Z]\w+)", text))
    assert named
    assert [
        f"{module}.{name}"
        for module, name in sorted(named)
        if name not in importlib.import_module(module).__all__
    ] == []


@pytest.mark.requirement("R88")
def test_the_security_page_has_the_defaults_of_the_policy(texts):
    told = {}
    for names, values in re.findall(r"^\| (`[^|]+) \| ([\d, ]+) \|", texts["SECURITY.md"], re.MULTILINE):
        told |= dict(zip(re.findall(r"`(\w+)`", names), map(int, values.split(", ")), strict=True))
    policy = wsgi_mfa.Policy()
    assert told
    assert told == {name: getattr(policy, name) for name in told}


def test_the_example_of_the_readme_refuses_and_lets_in(root):
    failed, attempted = doctest.testfile(str(root / "README.md"), module_relative=False, encoding="utf-8")
    assert attempted > 5
    assert failed == 0


def test_the_configuration_of_the_readme_is_accepted(texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WSGI_MFA_KEYS", "first:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
    (example,) = fenced(texts["README.md"], "python")
    scope = {
        "application": lambda environ, start_response: [],
        "secret_key": "a key of sixteen bytes or more",
    }
    exec(example, scope)  # noqa: S102 - the text is this repository's own
    assert isinstance(scope["application"], wsgi_mfa.MfaMiddleware)
    assert (tmp_path / "mfa.db").exists()


def test_the_story_of_the_readme_can_be_replayed(texts, tmp_path):
    from click.testing import CliRunner

    from mfa_simulator.cli import main

    (story,) = fenced(texts["README.md"], "yaml")
    path = tmp_path / "story.mfa.yaml"
    path.write_text(story, encoding="utf-8")
    result = CliRunner().invoke(main, ["run", str(path)])
    assert result.exit_code == 0, result.output
