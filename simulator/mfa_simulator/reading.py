"""What a reply means, in the words of the format: read from what the page says, as a person does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mfa_simulator.http import Response
from mfa_simulator.page import Page, read_page

PROBLEM = "urn:wsgi-mfa:"
# A page of ours that shows no outcome yet asks for something, and its name says what.
ASKS = {
    "enroll": "must_enroll",
    "enroll/manual": "must_enroll",
    "verify": "must_verify",
    "methods": "must_verify",
    "recover": "must_verify",
    "resync": "must_verify",
    "recovery-code": "must_save_recovery_code",
}
LEADS = {"/enroll": "must_enroll", "/verify": "must_verify", "/recovery-code": "must_save_recovery_code"}
STATUSES = {401: "sign_in_required", 429: "locked", 503: "unavailable"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What one reply shows: the page, and what it says of the outcome; an empty one for a page that asks nothing."""

    response: Response
    page: Page
    outcome: str
    hint: str | None = None
    retry_after_seconds: int | None = None
    name: str | None = None


def look_at(response: Response) -> Sight:
    """Read a reply."""
    kind = (response.header("Content-Type") or "").partition(";")[0].strip().lower()
    page = read_page(response.text) if kind == "text/html" else Page()
    said = dict(page.marks) if kind == "text/html" else _from_json(response, kind)
    retry_after = said.get("retry-after-seconds") or response.header("Retry-After") or ""
    return Sight(
        response=response,
        page=page,
        outcome="error" if response.cut else said.get("outcome") or _outcome(response, page),
        hint=said.get("hint"),
        retry_after_seconds=int(retry_after) if retry_after.isdigit() else None,
        name=page_name(said["page"]) if "page" in said else None,
    )


def page_name(name: str) -> str:
    """Give a page's name as its address below the mount path has it, `enroll/manual` or `recovery-code`."""
    name = name.replace("_", "-")
    return "enroll/manual" if name == "enroll-manual" else name


def _outcome(response: Response, page: Page) -> str:
    location = (response.header("Location") or "").partition("?")[0]
    if response.status >= 500 and response.status != 503:
        return "error"
    if response.from_app:
        return _of_the_app(response, page)
    if 300 <= response.status < 400:
        return next((word for ending, word in LEADS.items() if location.endswith(ending)), "error")
    if response.status in STATUSES:
        return STATUSES[response.status]
    if response.status >= 400:
        return "error"
    return ASKS.get(page_name(page.marks.get("page", "")), "")


def _of_the_app(response: Response, page: Page) -> str:
    """Whether the app takes the browser for signed in: by what it was told, and by what its page offers."""
    if response.user_seen is not None or page.link_to("/sign-out") or page.form_to("/sign-out"):
        return "welcome"
    if page.asks_for_password or response.status in (301, 302, 303, 401):
        return "sign_in_required"
    return "error"


def _from_json(response: Response, kind: str) -> dict[str, str]:
    if kind not in ("application/json", "application/problem+json"):
        return {}
    try:
        values: Any = json.loads(response.text)
    except ValueError:
        return {}
    if not isinstance(values, dict):
        return {}
    said = {
        "hint": values.get("hint"),
        "retry-after-seconds": values.get("retry_after_seconds"),
        "outcome": values.get("outcome"),
    }
    problem = values.get("type")
    if isinstance(problem, str) and problem.startswith(PROBLEM):
        said["outcome"] = problem.removeprefix(PROBLEM)
    return {name: str(value) for name, value in said.items() if value is not None}
