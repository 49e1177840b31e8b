"""A portal that believes everything, three users before it, and the proof that nobody was harmed.

alice has her password and no second factor here, carol sets up her phone, bob is somebody else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

BROWSER = "__Host-wsgi_mfa_browser_portal"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
#: Each URL that takes a POST, with the field that it reads and who posts there.
FIELDS = {
    "enroll": ("code", "carol"),
    "enroll/manual": ("code", "carol"),
    "verify": ("code", "alice"),
    "resync": ("code", "alice"),
    "recover": ("recovery_code", "alice"),
    "recovery-code": ("saved", "alice"),
    "sign-out": ("csrf", "alice"),
}


@dataclass
class Scene:
    """``token`` are the forms' tokens and ``right`` what would be accepted, by user; ``before`` is the store."""

    application: Any
    portal: Any
    store: Any
    browsers: dict[str, Any]
    token: dict[str, str]
    right: dict[str, dict[str, str]]
    before: dict[str, Any] = field(default_factory=dict)

    def fields_of(self, path: str, **changed: str) -> dict[str, str]:
        """What a good form posts there: with a code that would be accepted."""
        name, user = FIELDS[path]
        good = self.right[user].get(name)
        return {"csrf": self.token[user]} | ({name: good} if good else {}) | changed

    def post(
        self,
        path: str,
        body: bytes,
        media_type: str | None,
        *,
        headers: dict[str, str] | None = None,
        query: str = "",
        **environ: Any,
    ) -> Any:
        """Post exactly these bytes, as the user whose place it is."""
        browser = self.browsers[FIELDS[path][1]]
        cookies = dict(browser.cookies)
        sent = {"Accept": JSON, **(headers or {})}
        if media_type is not None:
            sent["Content-Type"] = media_type
        answer = browser.request("POST", f"/mfa/{path}{query}", headers=sent, body=body, environ=environ)
        browser.cookies = cookies  # each request comes from the same browser
        return answer

    def post_form(self, path: str, fields: Any, **settings: Any) -> Any:
        return self.post(path, urlencode(fields).encode(), FORM, **settings)

    def post_json(self, path: str, members: Any, **settings: Any) -> Any:
        return self.post(path, json.dumps(members).encode(), JSON, **settings)

    def nobody_is_harmed(self) -> bool:
        """Whether no account changed, and the portal was asked for nothing."""
        now = {user: self.store.load(user) for user in self.before}
        return now == self.before and self.portal.calls == []


@pytest.fixture
def scene(wrapped, portal, browser_of, memory_store, phone_of, clock):
    application = wrapped(portal)
    right: dict[str, dict[str, str]] = {}
    phones = {}
    for user in ("alice", "bob"):
        other = browser_of(user, application)
        manual = other.follow(other.navigate("/mfa/enroll/manual"))
        phones[user] = phone_of(manual.page.by_id["key"])
        saving = other.submit(manual, "/enroll/manual", code=phones[user].code())
        right[user] = {"recovery_code": saving.page.by_id["recovery-code"]}
        other.submit(saving, "/recovery-code")
    clock.wait_for_step()
    browsers = {user: browser_of(user, application) for user in ("alice", "bob", "carol")}
    token = {}
    for user, browser in browsers.items():
        page = browser.follow(browser.navigate("/mfa/enroll/manual"))
        token[user] = page.page.forms[0].fields["csrf"]
        if user == "carol":
            phones[user] = phone_of(page.page.by_id["key"])
            right[user] = {}
    for user, phone in phones.items():
        right[user] |= {"code": phone.code(), "saved": "yes"}
    portal.calls.clear()
    made = Scene(application, portal, memory_store, browsers, token, right)
    made.before = {user: memory_store.load(user) for user in browsers}
    return made
