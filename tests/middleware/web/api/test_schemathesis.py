"""Schemathesis plays the OpenAPI document against the middleware around a reference portal, with all its checks."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

schemathesis = pytest.importorskip("schemathesis")

from schemathesis.config import SchemathesisConfig  # noqa: E402 - after importorskip
from schemathesis.core.parameters import ParameterLocation  # noqa: E402 - after importorskip

FORM = "application/x-www-form-urlencoded"
STANDINGS = ("nobody", "must_enroll", "must_verify", "must_save", "signed_in", "locked", "agent")

SEED = 20260302
# No code that is made up is right, so that a well-formed request may well be refused: for what it asks (403), for
# its code (422), or by a lock (429). All else is as Schemathesis has it, and every check is on.
# A user, an address or a session that is made up goes with nothing (404).
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "422", "429"]
# People are led away (303) where a program is refused (401).
REFUSED = ["303", "400", "401", "403", "404", "405", "413", "422", "429"]


class BrowserCookies:
    """Says that requests carry a real login; the test puts it in, since requests are made before the browser."""

    def get(self, case: Any, context: Any) -> str:
        return "the cookies of the browser"

    def set(self, case: Any, data: str, context: Any) -> None:
        pass


class Entrance:
    """The application that Schemathesis knows: that of the test which runs."""

    world: Any = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.world(environ, start_response)


ENTRANCE = Entrance()


def schema_with(checks: dict[str, Any]) -> Any:
    document = yaml.safe_load((files("wsgi_mfa.web") / "openapi.yaml").read_text(encoding="utf-8"))
    config = SchemathesisConfig.from_dict({"seed": SEED, "checks": checks})
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.config.update(base_url="https://portal.example/mfa")
    schema.app = ENTRANCE
    schema.auth(refresh_interval=None)(BrowserCookies)
    return schema


PROGRAMS = schema_with({"positive_data_acceptance": {"expected-statuses": ACCEPTED}})
PEOPLE = schema_with(
    {
        "positive_data_acceptance": {"expected-statuses": ACCEPTED},
        "negative_data_rejection": {"expected-statuses": REFUSED},
        "ignored_auth": {"enabled": False},  # it knows no refusal but 401
    }
)
PEOPLE_STANDINGS = ("must_enroll", "must_verify", "signed_in", "agent")
BOUNDED = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=STANDINGS)
def world(request, world_of):
    ENTRANCE.world = world_of(request.param)
    yield ENTRANCE.world
    ENTRANCE.world = None


def played(case, world, accept):
    if not case.meta.is_negative_at(ParameterLocation.COOKIE):
        case.cookies = {**case.cookies, **world.cookies}
    if case.media_type == FORM and isinstance(case.body, dict) and isinstance(case.body.get("csrf"), str):
        case.body["csrf"] = world.token  # else nothing behind the token would ever be reached
    case.call_and_validate(headers={"Accept": accept})


@pytest.mark.requirement("R77", "R79", "R80")
@PROGRAMS.parametrize()
@BOUNDED
def test_a_program_is_answered_as_the_document_says(case, world):
    played(case, world, "application/json")


@pytest.mark.requirement("R79", "R80")
@pytest.mark.parametrize("world", PEOPLE_STANDINGS, indirect=True)
@PEOPLE.parametrize()
@BOUNDED
def test_a_person_is_answered_as_the_document_says(case, world):
    played(case, world, "text/html")
