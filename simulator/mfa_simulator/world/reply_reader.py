"""What a reply means, in the words of the format: read from what the page says, as a person does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mfa_simulator.language.format.outcomes import ALL
from mfa_simulator.world.http import PAGES_CACHED_MAX, Response
from mfa_simulator.world.page import Page, body_marks, read_page, refresh_in

HTML = "text/html"
MOUNT_PATH = "/mfa/"
PROBLEM = "urn:wsgi-mfa:"
# What a page must hold for the whole of it to be worth reading.
RECOVERY_CODE, REFRESH = b"recovery-code", b"http-equiv"
# A page of ours that shows no outcome yet asks for something, and its name says what.
ASKS = {
    "enroll": "must_enroll",
    "enroll/manual": "must_enroll",
    "reminder": "may_enroll",
    "verify": "must_verify",
    "methods": "must_verify",
    "recover": "must_verify",
    "resync": "must_verify",
    "recovery-code": "must_save_recovery_code",
    "keep-app-passwords": "must_choose_app_passwords",
}
LEADS = {
    "/enroll": "must_enroll",
    "/reminder": "may_enroll",
    "/verify": "must_verify",
    "/recovery-code": "must_save_recovery_code",
    "/keep-app-passwords": "must_choose_app_passwords",
}
STATUSES = {401: "sign_in_required", 429: "locked", 503: "unavailable"}


@dataclass(frozen=True, kw_only=True)
class PageState:
    """What one reply shows, and what it says of the outcome; an empty one for a page that asks nothing.

    The page itself is read when somebody looks at more than its outcome, since most pages are only passed through.
    """

    response: Response
    outcome: str
    hint: str | None = None
    retry_after_seconds: int | None = None
    name: str | None = None

    @cached_property
    def page(self) -> Page:
        """The page with its words, forms and links; an empty one when the reply is no page."""
        return read_page(self.response.text) if _kind(self.response) == HTML else Page()

    @property
    def recovery_code(self) -> str | None:
        """The recovery code that the page shows."""
        if RECOVERY_CODE not in self.response.body:
            return None
        return self.page.texts.get("recovery-code", "").strip() or None

    @property
    def refresh(self) -> str | None:
        """Where the page leads on to by itself."""
        if REFRESH not in self.response.body or self.response.cut or _kind(self.response) != HTML:
            return None
        return refresh_in(self.response.text)


@lru_cache(maxsize=PAGES_CACHED_MAX)
def read_reply(response: Response) -> PageState:
    """Read a reply; who reads an equal one is given the same value, which nobody may change."""
    kind = _kind(response)
    said = body_marks(response.body) if kind == HTML else _from_json(response, kind)
    retry_after = said.get("retry-after-seconds") or response.header("Retry-After") or ""
    name = page_name(said["page"]) if "page" in said else None
    # What is no matter of a second factor, such as `not_found`, is told by its status.
    told = said.get("outcome") if said.get("outcome") in ALL else None
    return PageState(
        response=response,
        outcome="error" if response.cut else told or _outcome(response, name),
        hint=said.get("hint"),
        retry_after_seconds=int(retry_after) if retry_after.isdigit() else None,
        name=name,
    )


def _kind(response: Response) -> str:
    return _media_type(response.header("Content-Type") or "")


@lru_cache(maxsize=64)
def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def page_name(name: str) -> str:
    """Give a page's name as its address below the mount path has it, `enroll/manual` or `recovery-code`."""
    name = name.replace("_", "-")
    return "enroll/manual" if name == "enroll-manual" else name


def _outcome(response: Response, name: str | None) -> str:
    location = (response.header("Location") or "").partition("?")[0]
    if response.status >= 500 and response.status != 503:
        return "error"
    is_redirect = 300 <= response.status < 400
    # A redirect to a page of ours is our answer, also where the app was asked and its own was held.
    if response.from_app and not (is_redirect and location.startswith(MOUNT_PATH)):
        return _of_the_app(response)
    if is_redirect:
        return next((word for ending, word in LEADS.items() if location.endswith(ending)), "error")
    if response.status in STATUSES:
        return STATUSES[response.status]
    if response.status >= 400:
        return "error"
    return ASKS.get(name or "", "")


def _of_the_app(response: Response) -> str:
    """Whether the app takes the browser for signed in: by what it was told, and by what its page offers."""
    if response.user_seen is not None:
        return "welcome"
    page = read_page(response.text) if _kind(response) == HTML else Page()
    if page.link_to("/sign-out") or page.form_to("/sign-out"):
        return "welcome"
    if page.asks_for_password or response.status in (301, 302, 303, 401):
        return "sign_in_required"
    return "error"


def _from_json(response: Response, kind: str) -> Mapping[str, str]:
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
