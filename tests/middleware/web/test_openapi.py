"""The OpenAPI document says what the code does: the same URLs, methods, statuses, problems, fields and cookies."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import yaml
from click.testing import CliRunner

from wsgi_mfa.cli.root import root as commands
from wsgi_mfa.core.decision import Hint, Reason
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.web import http_errors
from wsgi_mfa.web.cookies import CookieNames
from wsgi_mfa.web.reply import PROBLEM_TYPE, STATUS, TITLES
from wsgi_mfa.web.routes import VIEWS

TEMPLATES = files("wsgi_mfa.web") / "templates"
METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load((files("wsgi_mfa.web") / "openapi.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def operations(document):
    """(path, method) -> operation."""
    return {
        (path, method.upper()): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@pytest.fixture(scope="module")
def problems(document):
    """(name of the response, word, status) of all problems."""
    found = []
    for name, response in document["components"]["responses"].items():
        problem = response["content"].get("application/problem+json") if "content" in response else None
        if problem is not None:
            said = problem["schema"]["allOf"][1]["properties"]
            types = said["type"].get("enum") or [said["type"]["const"]]
            found += [(name, each.removeprefix(PROBLEM_TYPE), said["status"]["const"]) for each in types]
    return found


def resolved(document, node):
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def properties(document, schema):
    schema = resolved(document, schema)
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= properties(document, part)
    return found


@pytest.mark.requirement("R77")
def test_the_document_has_every_url_and_method_and_no_other(operations):
    assert set(operations) == {(path, method) for path, methods in VIEWS.items() for method in methods}


def test_every_operation_has_a_name_of_its_own(operations):
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)


@pytest.mark.requirement("R77")
def test_the_document_has_every_problem_and_no_other(problems):
    assert {word for _, word, _ in problems} == set(TITLES)


def test_each_problem_has_the_status_of_the_code(problems):
    statuses = {outcome.value: status for outcome, status in STATUS.items()}
    for kind in vars(http_errors).values():
        if isinstance(kind, type) and issubclass(kind, http_errors.RejectedRequestError):
            statuses[kind.page] = kind.status
    # A head that is too large has the same word under two more statuses, which its rejection chooses.
    assert {status for _, word, status in problems if word == "too_large"} == {413, 414, 431}
    told = {word: status for _, word, status in problems} | {"too_large": 413}
    # Not in a table: what must come first is 401, but for the recovery code, which its own page asks for by 422.
    words = (
        "sign_in_required",
        "must_enroll",
        "must_verify",
        "step_up_required",
        "must_choose_app_passwords",
    )
    first = dict.fromkeys(words, 401)
    assert told == statuses | first | {"must_save_recovery_code": 422}


def test_each_operation_answers_a_problem_under_its_own_status(document, operations, problems):
    status_of = {name: status for name, _, status in problems}
    for where, operation in operations.items():
        for status, response in operation["responses"].items():
            name = response["$ref"].rpartition("/")[2]
            assert status_of.get(name, int(status)) == int(status), where


def test_what_may_happen_to_any_request_is_told_of_each(operations):
    for (path, method), operation in operations.items():
        told = set(operation["responses"])
        assert {"200", "403", "405", "503"} <= told, path
        # These pages are open to all.
        assert ("401" in told) == (path not in ("/help", "/session-ended"))
        assert ({"400", "413"} <= told) == (method == "POST")
        assert ("requestBody" in operation) == (method == "POST")


def test_the_limit_of_a_body_is_told(document):
    assert (
        f"{Policy().form_bytes_max} bytes" in document["components"]["responses"]["TooLarge"]["description"]
    )


@pytest.mark.parametrize(("name", "words"), [("Hint", Hint), ("Reason", Reason)])
def test_every_hint_and_reason_is_told(document, name, words):
    told = re.findall(r"`(\w+)`", document["components"]["schemas"][name]["description"])
    assert sorted(told) == sorted(word.value for word in words)


def test_every_field_of_a_form_is_told(document, operations):
    told = {}
    for (path, method), operation in operations.items():
        if method == "POST":
            form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
            told[path] = set(properties(document, form))
    assert all("csrf" in fields for fields in told.values())
    posted = set()
    for template in TEMPLATES.iterdir():
        if template.name.endswith(".html"):
            text = template.read_text(encoding="utf-8")
            posted |= set(re.findall(r'<(?:input|select) [^>]*?name="(\w+)"', text))
            posted |= set(re.findall(r'text_field\("(\w+)"', text))
    assert {"code", "recovery_code", "enrollment_code", "saved", "csrf", "pending"} <= posted
    assert posted == set().union(*told.values())


def test_a_program_posts_what_a_form_posts_but_for_the_token(document, operations):
    for operation in operations.values():
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]
            form, json = (
                set(properties(document, content[kind]["schema"]))
                for kind in ("application/x-www-form-urlencoded", "application/json")
            )
            assert form - json == {"csrf"}
            assert json <= form


@pytest.mark.requirement("R53")
def test_the_cookies_have_their_names(document):
    schemes = document["components"]["securitySchemes"]
    names = {schemes[cookie]["name"] for cookie in ("browser", "session", "known")}
    assert names == set(CookieNames.over_https("LABEL").all)
    assert all(scheme["in"] == "cookie" for scheme in schemes.values())


def test_the_command_prints_the_document(document):
    result = CliRunner().invoke(commands, ["api"])
    assert result.exit_code == 0
    assert yaml.safe_load(result.output) == document


def test_the_documentation_has_every_problem_with_its_status(root, problems):
    text = (root / "docs" / "api.md").read_text(encoding="utf-8")
    told = set()
    for statuses, words in re.findall(r"^\| ([\d, ]+) \| ([^|]+) \|", text, re.MULTILINE):
        told |= {
            (word, int(status)) for word in re.findall(r"`(\w+)`", words) for status in statuses.split(", ")
        }
    # The application's own URLs ask for the recovery code by 401, as for anything that must come first.
    assert told == {(word, status) for _, word, status in problems} | {("must_save_recovery_code", 401)}


@pytest.mark.parametrize("path", ["openapi.yaml", "openapi.json", "api", "../openapi.yaml"])
def test_the_document_is_served_nowhere(browser_of, path):
    answer = browser_of("alice").get_json(f"/mfa/{path}")
    assert answer.status == 404
    assert answer.problem == "not_found"


def test_a_program_may_ask_for_help(browser_of):
    answer = browser_of(None).get_json("/mfa/help")
    assert answer.status == 200
    assert answer.json == {"issuer": "Client Portal", "support_contact": None}
