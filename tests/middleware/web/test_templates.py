"""The pages that a person sees: words, forms and links, read as a browser reads them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from html.parser import HTMLParser
from importlib.resources import files
from urllib.parse import unquote

import pytest

from wsgi_mfa.accounts import AppPassword
from wsgi_mfa.core.decision import Reason
from wsgi_mfa.support.account_view import AccountView
from wsgi_mfa.web.qr import qr_svg
from wsgi_mfa.web.render import render_page

pytestmark = pytest.mark.any_python

KEY = "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567"
URI = (
    f"otpauth://totp/Client%20Portal:user1%40example.com?secret={KEY.replace(' ', '')}&issuer=Client%20Portal"
)
RECOVERY_CODE = "7K3M-9QRT-ZX4W-2B8N-HJ5P-CD6F"
COMMON = {
    "outcome": None,
    "hint": None,
    "reason": None,
    "retry_after_seconds": None,
    "issuer": "Client Portal",
    "user": "user1@example.com",
    "mount": "/portal/mfa",
    "root": "/portal/",
    "csrf": "the-token",
    "next": "sealed/+=",
    "support_contact": "support@example.com",
    "digits": 6,
    "period_seconds": 30,
    "clock_in_question": False,
    "doubled": (),
    "unsent": False,
    "is_remembered": False,
    "is_known": False,
    "is_verified": True,
}
APP_PASSWORD = AppPassword(
    id="1", digest="", name="calendar", path="/cal", made_at=0, expires_at=1, used_at=None
)
ACCOUNT = {
    "view": AccountView(user="user2@example.com", state="new"),
    "account": None,
    "now": 0,
    "once": "a-word",
    "email": "",
    "typed": {"action": "", "reason": "", "ticket": ""},
    "own": False,
    "agents": False,
    "fresh": True,
    "fresh_minutes": 5,
    "used_ahead": False,
    "two_agents": False,
    "session_characters": 8,
    "events": [],
    "desk_url": "/portal/mfa/support",
}
#: Every page, with what it needs of its own.
PAGES = {
    "bad_request": {},
    "continue": {
        "outcome": "signed_in",
        "target": "/portal/reports?year=2026&month=1",
        "has_new_phone": False,
    },
    "enroll": {
        "qr": qr_svg(URI),
        "otpauth_uri": URI,
        "pending_id": "pending-1",
        "seconds_left": 540,
        "replaces": False,
    },
    "enroll_manual": {
        "account": "user1@example.com",
        "grouped_key": KEY,
        "algorithm": "SHA256",
        "pending_id": "pending-1",
        "seconds_left": 60,
        "replaces": True,
    },
    "enrollment_code": {},
    "forbidden": {},
    "help": {"remembered_browser_days": 30},
    "method_not_allowed": {},
    "methods": {},
    "not_found": {},
    "plain_http": {"setting": None},
    "cookies_refused": {},
    "misdirected": {"url": "https://portal.example.com/wiki/"},
    "recover": {},
    "unlock": {},
    "recovery_code": {
        "recovery_code": RECOVERY_CODE,
        "recovery_code_id": "code-1",
        "may_replace": False,
        "method": "code",
        "tick_missing": False,
    },
    "refused": {"outcome": "refused", "reason": "changed_meanwhile", "enrollment_minutes": 10},
    "reminder": {"moment": datetime(2027, 1, 15, tzinfo=timezone.utc), "reminder_seconds": 86400},
    "resync": {"first_code_kept": False, "first_code_late": False},
    "session_ended": {"target": "/reports"},
    "stale_sign_in": {"user": None, "cookies": ("session",), "clear_url": "/mfa/forward-auth/cookies"},
    "support": {},
    "support_account": {"outcome": None, **ACCOUNT},
    "support_desk": {"looked_for": None, "results": None},
    "support_done": {
        "outcome": "reset",
        "action": "reset",
        "target": "user2@example.com",
        "message": "reset: user2@example.com must enroll anew",
        "code": "F8BK-ZKEX-45NT",
        "minutes": 10,
        "back": "/portal/mfa/support?account=sealed",
        "desk_url": "/portal/mfa/support",
    },
    "too_large": {},
    "head_too_large": {"message": "the query is too long: at most 32768 bytes"},
    "two_sign_ins": {"user": None, "doubled": ("session",)},
    "unavailable": {"outcome": "unavailable", "retry_after_seconds": 5},
    "account": {
        "phone_at": 1_767_225_600_000_000,
        "code_at": 1_767_225_600_000_000,
        "code_is_stored": True,
        "session_count": 2,
        "known_count": 2,
        "outcome": "signed_in",
        "browsers": (),
        "own_id": None,
        "remembered_browser_days": 0,
        "takes_app_passwords": True,
        "is_agent": False,
    },
    "app_passwords": {
        "outcome": "signed_in",
        "passwords": (APP_PASSWORD,),
        "made": APP_PASSWORD,
        "code": "mfa-0000-0000-0000-0000-0000-0000-0",
        "form_id": "0" * 32,
        "days_max": 366,
        "passwords_max": 10,
        "typed_name": "",
        "typed_path": "/",
    },
    "keep_app_passwords": {"outcome": "must_choose_app_passwords", "passwords": (APP_PASSWORD,)},
    "verify": {"seconds_left": 18, "remembered_browser_days": 0},
}
CODE_PAGES = ["enroll", "enroll_manual", "verify", "resync"]
FIELD_OF = {
    **dict.fromkeys(CODE_PAGES, "code"),
    "recover": "recovery_code",
    "unlock": "unlock_code",
    "enrollment_code": "enrollment_code",
}
VOID = {"br", "circle", "input", "link", "meta", "path", "rect"}


@dataclass(kw_only=True)
class Page:
    """``elements`` are (tag, attributes) in order; ``texts`` the words inside each id, ``words`` all of them."""

    html: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    words: str = ""

    def all(self, tag, **attributes):
        return [
            found
            for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in attributes.items())
        ]

    def with_role(self, role):
        return [found for _, found in self.elements if found.get("role") == role]

    def form_to(self, path):
        """What a browser sends, by name, with the text fields empty; of the first form to ``path``."""
        form = re.search(rf'<form[^>]* action="{path}".*?</form>', self.html, re.DOTALL)[0]
        inputs = read(form).all("input")
        return {found["name"]: found.get("value", "") for found in inputs}


class Reader(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.page = page
        self.open = []

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.page.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append((tag, attributes))

    def handle_startendtag(self, tag, attrs):
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        opened, _ = self.open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data):
        if any(tag in ("style", "script") for tag, _ in self.open):
            return
        self.page.words += data
        for tag, attributes in self.open:
            if "id" in attributes:
                self.page.texts[attributes["id"]] = self.page.texts.get(attributes["id"], "") + data
            if tag == "a":
                self.page.links[data.strip()] = attributes["href"]


def read(html):
    page = Page(html=html)
    reader = Reader(page)
    reader.feed(html)
    reader.close()
    assert reader.open == [], "everything is closed"
    page.words = " ".join(page.words.split())
    return page


def show(name, **context):
    return read(render_page(name, COMMON | PAGES[name] | {"page": name} | context, nonce="n0nce"))


def test_every_template_of_a_page_is_shown_here():
    whole = {
        template.name.removesuffix(".html")
        for template in (files("wsgi_mfa.web") / "templates").iterdir()
        if '{% extends "base.html" %}' in template.read_text(encoding="utf-8")
    }
    assert whole == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_tells_machines_what_it_is_and_says_no_more_than_it_knows(name):
    (body,) = show(name, outcome=None, reason=None, retry_after_seconds=None).all("body")
    assert body == {"data-page": name}
    (body,) = show(name, outcome="locked", hint="clock_slow", retry_after_seconds=0).all("body")
    assert body == {
        "data-page": name,
        "data-outcome": "locked",
        "data-hint": "clock_slow",
        "data-retry-after-seconds": "0",
    }


@pytest.mark.requirement("R75")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_obeys_its_content_security_policy(name):
    page = show(name)
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [attribute for attribute in attributes if attribute.startswith("on")], tag
        assert "src" not in attributes, tag
        # One page leads to the portal's own address.
        href = attributes.get("href", "").replace(PAGES[name].get("url", ""), "")
        assert not re.match(r"(https?:|//|javascript:)", href), tag
    assert [found["nonce"] for found in page.all("style") + page.all("script")] == ["n0nce", "n0nce"]
    html = page.html.replace(PAGES[name].get("url", ""), "")
    assert not re.search(r"https?://(?!</b>)|url\(|@import", html)


@pytest.mark.requirement("R86")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_made(name):
    page = show(name)
    ids = Counter(found["id"] for _, found in page.elements if "id" in found)
    assert set(ids.values()) <= {1}
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert page.all("html", lang="en")
    assert page.all("meta", name="viewport", content="width=device-width, initial-scale=1")
    for _, attributes in page.elements:
        for reference in ("aria-describedby", "aria-labelledby", "for"):
            assert set(attributes.get(reference, "").split()) <= set(ids)
    for link in page.links.values():
        if link.startswith("#"):
            assert link.removeprefix("#") in ids


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"support_account", "support_done"}))
def test_a_page_carries_on_where_its_user_wanted_to_go(name):
    page = show(name)
    ours = [link for link in page.links.values() if link.startswith("/portal/mfa/")]
    assert {link.partition("#")[0].partition("?")[2] for link in ours} <= {"next=sealed/%2B%3D"}
    for form in page.all("form"):
        assert form["method"] == "post"
        fields = page.form_to(form["action"])
        assert (fields["csrf"], fields["next"]) == ("the-token", "sealed/+=")
    aimless = show(name, next="")
    assert "?next=" not in aimless.html
    assert not aimless.all("input", name="next")


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"plain_http", "stale_sign_in", "two_sign_ins"}))
def test_whoever_is_signed_in_can_sign_out_and_whoever_is_not_is_not_asked(name):
    assert "Not you? Sign out" in show(name).words
    assert "/portal/mfa/sign-out" not in show(name, user=None, csrf=None).html


@pytest.mark.requirement("R85", "R79")
@pytest.mark.parametrize(("name", "field_name"), FIELD_OF.items())
def test_a_form_has_one_text_field_that_anything_can_be_pasted_into(name, field_name):
    (typed,) = show(name).all("input", type="text")
    assert typed["name"] == field_name
    assert typed["spellcheck"] == "false"
    assert "maxlength" not in typed
    assert "pattern" not in typed
    assert show(name).all("label", **{"for": typed["id"]})


@pytest.mark.requirement("R85")
@pytest.mark.parametrize("name", CODE_PAGES)
def test_the_code_field_suits_phones_and_password_managers(name):
    (typed,) = show(name).all("input", type="text")
    assert (typed["inputmode"], typed["autocomplete"]) == ("numeric", "one-time-code")
    assert "8 digits" in show(name, digits=8).words


@pytest.mark.requirement("R86")
@pytest.mark.parametrize("outcome", ["wrong_code", "used_code", "locked", "refused"])
@pytest.mark.parametrize("name", FIELD_OF)
def test_a_problem_is_said_once_and_belongs_to_the_field(name, outcome):
    page = show(name, outcome=outcome, retry_after_seconds=90)
    (alert,) = page.with_role("alert")
    (typed,) = page.all("input", type="text")
    assert alert["id"] in typed["aria-describedby"].split()
    assert "autofocus" in typed
    assert page.texts[alert["id"]].strip()
    assert "Time to wait" not in page.texts[alert["id"]]  # a screen reader would read it out each second


@pytest.mark.parametrize("outcome", [None, "must_verify", "must_enroll", "step_up_required"])
@pytest.mark.parametrize("name", FIELD_OF)
def test_nothing_is_called_a_problem_that_is_none(name, outcome):
    assert show(name, outcome=outcome).with_role("alert") == []


def test_a_fresh_enrollment_page_shows_the_qr_code_first():
    (typed,) = show("enroll").all("input", type="text")
    assert "autofocus" not in typed


@pytest.mark.parametrize("name", ["enroll", "enroll_manual"])
def test_the_enrollment_pages_name_the_pending_key_and_offer_another(name):
    page = show(name)
    path = "/portal/mfa/enroll" if name == "enroll" else "/portal/mfa/enroll/manual"
    assert page.form_to(path) | {"code": ""} == {
        "csrf": "the-token",
        "next": "sealed/+=",
        "pending": "pending-1",
        "code": "",
    }
    assert '<input type="hidden" name="action" value="restart">' in page.html
    assert ("good for 9 minutes" if name == "enroll" else "good for 1 minute,") in page.words


def test_the_qr_page_has_a_way_for_those_who_cannot_scan():
    page = show("enroll")
    assert page.links["Trouble scanning?"].startswith("/portal/mfa/enroll/manual?")
    assert page.links["Open in my authenticator app"] == URI
    assert KEY.replace(" ", "") not in page.words


def test_the_key_for_typing_stands_alone_in_its_element():
    page = show("enroll_manual")
    assert page.texts["key"] == KEY
    assert page.texts["account"] == "user1@example.com"
    assert "Time-based" in page.words
    assert page.html.count(KEY) == 1
    assert '<svg class="qr"' not in page.html


@pytest.mark.parametrize(("seconds", "advice"), [(30, False), (6, False), (5, True), (1, True)])
def test_with_few_seconds_left_the_page_advises_to_wait(seconds, advice):
    page = show("verify", seconds_left=seconds)
    assert re.search(rf"due in {seconds} seconds?\.", page.words)
    assert ("Better wait for it" in page.words) is advice


def test_the_clock_is_asked_about_only_when_it_is_in_question():
    assert "/portal/mfa/resync" not in show("verify", outcome="wrong_code").html
    asked = show("verify", outcome="wrong_code", clock_in_question=True)
    assert asked.links["Is your phone’s clock right?"].startswith("/portal/mfa/resync?")


@pytest.mark.parametrize(("hint", "word"), [("clock_slow", "slow"), ("clock_fast", "fast")])
@pytest.mark.parametrize("name", ["enroll", "enroll_manual", "verify"])
def test_a_hint_says_which_way_the_phone_is_off_and_what_to_do(name, hint, word):
    page = show(name, outcome="wrong_code", hint=hint)
    assert f"clock seems to be {word}" in page.texts["problem"]
    assert "automatic date and time" in page.texts["problem"]


def test_waiting_times_are_said_in_words():
    assert (
        "Please wait 2 minutes" in show("verify", outcome="locked", retry_after_seconds=120).texts["problem"]
    )
    used = show("verify", outcome="used_code", hint="wait_for_next", retry_after_seconds=12)
    assert "about 12 seconds" in used.texts["problem"]


def test_a_spent_budget_leads_to_the_factor_that_still_works():
    spent = {"outcome": "locked", "reason": "budget_spent", "retry_after_seconds": 3600}
    assert show("verify", **spent).links["recovery code"].startswith("/portal/mfa/recover?")
    assert show("verify", **spent).links["unlock code"].startswith("/portal/mfa/unlock?")


def test_every_reason_has_its_own_words_and_a_way_on():
    unknown = show("refused", reason="something_new")
    seen = {unknown.words}
    for reason in Reason:
        page = show("refused", reason=reason.value, retry_after_seconds=120)
        assert page.words not in seen
        seen.add(page.words)
        assert page.links["Back to Client Portal"] == "/portal/"


def test_the_methods_are_named_as_the_help_page_names_them():
    page = show("methods")
    assert page.links["Authenticator app"].startswith("/portal/mfa/verify?")
    assert page.links["Recovery code"].startswith("/portal/mfa/recover?")


@pytest.mark.requirement("R87")
def test_the_recovery_code_can_be_kept_without_scripts():
    page = show("recovery_code", issuer="A & <B>")
    assert page.texts["recovery-code"] == RECOVERY_CODE
    (download,) = [found for found in page.all("a") if "download" in found]
    kind, _, text = download["href"].partition(",")
    assert kind == "data:text/plain;charset=utf-8"
    assert f"user1@example.com for A & <B>:\n\n{RECOVERY_CODE}\n" in unquote(text)
    for words in ("Copy", "Print"):
        assert re.search(rf"<button[^>]* hidden>{words}</button>", page.html)


def test_the_recovery_code_is_left_behind_only_with_the_tick():
    (tick,) = show("recovery_code").all("input", type="checkbox")
    assert tick["name"] == "saved"
    assert "required" in tick
    assert show("recovery_code").form_to("/portal/mfa/recovery-code")["recovery_code_id"] == "code-1"
    assert show("recovery_code").with_role("alert") == []
    assert len(show("recovery_code", tick_missing=True).with_role("alert")) == 1


@pytest.mark.parametrize(("method", "offered"), [("recovery_code", True), ("code", False)])
def test_a_new_phone_is_offered_to_those_who_came_without_theirs(method, offered):
    assert ("Set up a new phone" in show("recovery_code", method=method).links) is offered


def test_a_stored_recovery_code_can_be_replaced_after_a_fresh_second_factor():
    stored = {"recovery_code": None, "recovery_code_id": None}
    fresh = show("recovery_code", **stored, may_replace=True)
    assert fresh.form_to("/portal/mfa/recovery-code")["action"] == "replace"
    stale = show("recovery_code", **stored, may_replace=False)
    assert not stale.all("form", action="/portal/mfa/recovery-code")
    assert stale.links["confirm with a code from your app"].startswith("/portal/mfa/verify?")


def test_the_clock_is_learned_in_two_steps():
    first, second = show("resync"), show("resync", first_code_kept=True, hint="wait_for_next")
    assert "The code that your app shows now" in first.words
    assert "Android" in first.words
    assert "iPhone" in first.words
    assert "Now the next one" in second.words
    learned = show("resync", outcome="resynced")
    assert not learned.all("input", type="text")
    assert learned.links["Sign in with a code"].startswith("/portal/mfa/verify?")


def test_the_browser_goes_on_by_itself_unless_its_user_has_left():
    page = show("continue")
    (refresh,) = page.all("meta", **{"http-equiv": "refresh"})
    assert refresh["content"] == "0;url=/portal/reports?year=2026&month=1"
    assert page.links["Continue to Client Portal"] == "/portal/reports?year=2026&month=1"
    assert not show("continue", outcome="signed_out").all("meta", **{"http-equiv": "refresh"})


def test_over_plain_http_nothing_leads_to_a_form():
    page = show("plain_http", user=None, csrf=None)
    assert not page.all("form")
    assert not [link for link in page.links.values() if link.startswith("/")]


@pytest.mark.requirement("D6")
def test_a_cookie_that_came_twice_is_named():
    page = show("verify", doubled=("session", "auth_tkt"))
    assert "session, auth_tkt twice" in page.words


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("support@example.com", "mailto:support@example.com"),
        ("https://help.example.com/", "https://help.example.com/"),
        ("tel:+4912345", "tel:+4912345"),
    ],
)
def test_a_contact_that_can_be_followed_is_a_link(contact, expected):
    assert show("recover", support_contact=contact).links[contact] == expected


@pytest.mark.parametrize("contact", ["extension 4711, or ask at the desk", "javascript:alert(1)@x"])
def test_any_other_contact_is_text(contact):
    page = show("recover", support_contact=contact)
    assert f"Contact {contact}." in page.words
    assert contact not in page.links
    assert "the support desk of Client Portal" in show("recover", support_contact=None).words


def test_the_help_page_tells_all_that_can_happen():
    words = show("help").words
    for told in (
        *("Client Portal", "support@example.com", "Android", "iPhone", "Google Authenticator"),
        *(
            "Scan a QR code",
            "Trouble scanning?",
            "Enter a setup key",
            "Time-based",
            "Continue",
            "recovery code",
        ),
        *(
            "every 30 seconds",
            "wait for the next one",
            "Try another method",
            "Set up a new phone",
            "e-mail address",
        ),
        "Is your phone’s clock right?",
    ):
        assert told in words
