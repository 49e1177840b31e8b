"""The middleware around the portal on WebOb: a sign-in that starts late, and tickets that are issued anew."""

from __future__ import annotations

import hashlib
import io
import re
from wsgiref.validate import validator

import pyotp
import pytest
from freezegun import freeze_time
from werkzeug.test import Client, TestResponse

from legacy_portals import DEMO_USERS, make_ticket_portal
from wsgi_mfa import AuthTkt, KeyRing, MemoryStore, MfaMiddleware
from wsgi_mfa.stores.protocol import StoreIdentity

SECRET = "the secret of a portal in tests"
USER = "alice@example.com"
FORM = {"username": USER, "password": DEMO_USERS[USER].password}
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
TIMEOUT_SECONDS, REISSUE_SECONDS = 1800, 180


@pytest.fixture(autouse=True)
def time():
    """Stands still unless it is moved by ``time.tick(seconds)``."""
    with freeze_time("2026-03-02T09:00:00Z") as frozen:
        yield frozen


class Browser(Client):
    """A person's browser in front of a wrapped portal, with the codes of one phone."""

    phone: pyotp.TOTP
    address = "192.0.2.7"

    def open(self, path: str, **settings) -> TestResponse:
        chosen = {
            "base_url": "https://portal.example",
            "buffered": True,
            "headers": PAGE,
            "environ_base": {"REMOTE_ADDR": self.address},
            **settings,
        }
        return super().open(path, **chosen)

    def sign_in(self, **form: str) -> TestResponse:
        return self.post("/sign-in", data={**FORM, **form})

    def submit(self, page: TestResponse, **typed: str) -> TestResponse:
        """Fill in the page's first form with a text field or tick box of ours."""
        form = next(
            text for text in page.text.split("<form")[1:] if all(f'name="{name}"' in text for name in typed)
        )
        action = re.search('action="([^"]+)"', form)[1]
        hidden = dict(re.findall('<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        return self.post(action, data={**hidden, **typed}, headers={**PAGE, "Sec-Fetch-Site": "same-origin"})

    def enroll(self) -> None:
        page = self.get(self.sign_in().location.replace("/enroll?", "/enroll/manual?"))
        self.phone = pyotp.TOTP(re.search('id="key"[^>]*>([^<]+)<', page.text)[1].replace(" ", ""))
        led = self.submit(page, code=self.phone.now())
        page = self.get(self.get(led.location).location)
        assert outcome(page) == "must_save_recovery_code"
        assert self.submit(page, saved="yes").status_code == 303
        assert "Welcome, alice@example.com" in self.get("/").text

    @property
    def tickets(self) -> set[str]:
        return {cookie.value for cookie in self._cookies.values() if cookie.key == "auth_tkt"}

    def come_with(self, ticket: str) -> TestResponse:
        """Ask for a page with this ticket in the place of the one that the browser keeps."""
        kept = "; ".join(
            f"{cookie.key}={cookie.value}" for cookie in self._cookies.values() if cookie.key != "auth_tkt"
        )
        others = Browser(self.application, use_cookies=False)
        return others.get("/reports", headers={**PAGE, "Cookie": f"auth_tkt={ticket}; {kept}"})


def outcome(page: TestResponse) -> str | None:
    found = re.search('data-outcome="([^"]+)"', page.text)
    return found and found[1]


@pytest.fixture
def new_portal():
    """``new_portal(**settings)``: the portal, wrapped, with the validator of PEP 3333 on both sides."""

    def make(*, digest: str = "sha512", include_ip: bool = False, seal_credentials: bool = True):
        portal = make_ticket_portal(
            DEMO_USERS,
            SECRET,
            digest=digest,
            include_ip=include_ip,
            timeout_seconds=TIMEOUT_SECONDS,
            reissue_seconds=REISSUE_SECONDS,
            secure_cookie=True,
        )
        wrapped = MfaMiddleware(
            validator(portal),
            issuer="Client Portal",
            identity=AuthTkt(SECRET, digest=digest, include_ip=include_ip, timeout_seconds=TIMEOUT_SECONDS),
            store=MemoryStore(identity=StoreIdentity(store_id="0" * 32, made_at=0)),
            keys=KeyRing([("k1", bytes(range(32)))]),
            seal_credentials=seal_credentials,
        )
        return validator(wrapped)

    return make


@pytest.fixture
def browser(new_portal) -> Browser:
    return Browser(new_portal())


@pytest.fixture
def inside(browser) -> Browser:
    browser.enroll()
    return browser


@pytest.mark.requirement("D34", "R72")
def test_a_sign_in_that_starts_its_response_late_is_held(browser):
    answer = browser.sign_in(next="/reports")
    assert (answer.status_code, answer.data) == (303, b"")
    assert answer.location.startswith("/mfa/enroll?")
    cookies = answer.headers.getlist("Set-Cookie")
    assert len([cookie for cookie in cookies if cookie.startswith("auth_tkt=")]) == 3
    for path in ("/", "/reports", "/download", "/api/status.json"):
        page = browser.get(path)
        assert (page.status_code, page.data) == (303, b"")


@pytest.mark.requirement("D34", "R77")
def test_a_program_that_signs_in_gets_a_problem_and_the_cookies(browser):
    answer = browser.post("/sign-in", data=FORM, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.json["type"] == "urn:wsgi-mfa:must_enroll"
    assert b"signed in with the role" not in answer.data
    assert len(browser.tickets) == 1


def test_a_wrong_password_gets_the_portals_own_answer(browser):
    answer = browser.sign_in(password="wrong")
    assert answer.status_code == 200
    assert "Wrong user name or password." in answer.text
    assert answer.text.rstrip().endswith("</html>")
    assert browser.tickets == set()


@pytest.mark.requirement("R74")
def test_after_the_code_comes_the_page_that_the_portal_led_to(inside, time):
    inside.get("/sign-out")
    time.tick(30)
    page = inside.get(inside.sign_in(next="/reports?year=2008").location)
    assert outcome(page) == "must_verify"
    page = inside.get(inside.submit(page, code=inside.phone.now()).location)
    assert outcome(page) == "signed_in"
    assert 'href="/reports?year=2008"' in page.text


def test_pages_uploads_downloads_and_head_come_through_unharmed(inside):
    data = bytes(range(256)) * 1500  # larger ones the client puts into a file that it leaves open
    page = inside.post("/upload", data={"file": (io.BytesIO(data), "all.bin")})
    assert hashlib.sha256(data).hexdigest() in page.text
    journal, _, told = inside.get("/download").data.rpartition(b"sha256 ")
    assert told.strip().decode() == hashlib.sha256(journal).hexdigest()
    assert inside.get("/api/status.json").json["user"] == USER
    assert inside.head("/reports").status_code == 200
    assert inside.post("/orders", data={"product": "lamp", "quantity": "2"}).status_code == 302
    assert "<td>lamp</td>" in inside.get("/orders").text


@pytest.mark.requirement("D34")
def test_a_ticket_that_is_issued_anew_keeps_the_second_factor(inside, time):
    for _ in range(12):
        (before,) = inside.tickets
        time.tick(REISSUE_SECONDS + 1)
        answer = inside.get("/reports")
        assert answer.status_code == 200
        (after,) = inside.tickets
        assert after != before
        assert inside.come_with(before).status_code == 200
        time.tick(60)
        assert inside.come_with(before).status_code == 303
        assert inside.get("/reports").status_code == 200


@pytest.mark.requirement("D34")
def test_parallel_requests_are_each_given_a_ticket_and_any_may_be_kept(inside, time):
    (old,) = inside.tickets
    time.tick(REISSUE_SECONDS + 1)
    given = set()
    for _ in range(3):
        cookie = inside.come_with(old).headers["Set-Cookie"]
        given.add(cookie.partition(";")[0].partition("=")[2])
        time.tick(1)
    time.tick(60)
    assert len(given) == 3
    assert [inside.come_with(ticket).status_code for ticket in sorted(given)] == [200, 200, 200]
    assert inside.come_with(old).status_code == 303


@pytest.mark.requirement("R49")
def test_a_ticket_from_another_browser_has_no_second_factor_here(inside, new_portal, time):
    time.tick(5)
    thief = Browser(inside.application)
    thief.sign_in()
    (ticket,) = thief.tickets
    assert inside.come_with(ticket).status_code == 303
    assert thief.get("/reports").status_code == 303
    (good,) = inside.tickets
    assert thief.come_with(good).status_code == 303


@pytest.mark.requirement("R49", "D34")
def test_two_tickets_of_one_second_are_alike_and_still_two_browsers(new_portal):
    inside = Browser(new_portal(seal_credentials=False))
    inside.enroll()
    other = Browser(inside.application)
    other.sign_in()
    assert other.tickets == inside.tickets
    assert other.get("/reports").status_code == 303
    assert inside.get("/reports").status_code == 200


@pytest.mark.requirement("R51")
def test_a_sign_out_ends_the_second_factor_also_for_cookies_that_were_kept(inside, time):
    (ticket,) = inside.tickets
    kept = Browser(inside.application)
    kept._cookies.update(inside._cookies)
    assert inside.get("/sign-out").location == "https://portal.example/"
    assert inside.tickets == set()
    answer = kept.get("/reports")
    assert answer.status_code == 303
    assert outcome(kept.get(answer.location)) == "must_verify"
    assert kept.tickets == {ticket}


def test_a_ticket_that_ran_out_leads_to_the_portals_sign_in_and_to_a_new_code(inside, time):
    time.tick(TIMEOUT_SECONDS + 1)
    assert inside.get("/reports").location == "https://portal.example/sign-in?next=%2Freports"
    page = inside.get(inside.sign_in().location)
    assert outcome(page) == "must_verify"


@pytest.mark.requirement("R54", "D6")
@pytest.mark.parametrize(
    "spelt",
    [
        "auth_tkt={t}x",
        "auth_tkt={t}; auth_tkt={t}x",
        "auth_tkt=x; auth_tkt={t}",
        "AUTH_TKT={t}",
        "auth%5Ftkt={t}",
        'auth_tkt="\\060{t}"',
        "a=1, auth_tkt={t}",
        "$Version=1, auth_tkt={t}",
        "auth_tkt ={t}",
        'x="; auth_tkt={t}; y="',
        "b[a]d=1; auth_tkt={t}",
        "authtkt={t}",
        "auth_tkt={quoted}",
    ],
)
def test_no_spelling_of_the_ticket_gets_past_the_second_factor(browser, spelt):
    browser.sign_in()
    (ticket,) = browser.tickets
    ticket = ticket.strip('"')
    plain = Browser(browser.application, use_cookies=False)
    cookie = spelt.format(t=ticket, quoted=ticket.replace("!", "%21"))
    answer = plain.get("/reports", headers={**PAGE, "Cookie": cookie})
    assert answer.status_code in (302, 303)
    assert b"Deliveries" not in answer.data


@pytest.mark.parametrize("digest", ["md5", "sha256"])
def test_the_digests_of_older_portals_and_addresses_work_as_well(new_portal, digest):
    browser = Browser(new_portal(digest=digest, include_ip=True))
    browser.enroll()
    assert browser.get("/reports").status_code == 200
    browser.address = "192.0.2.99"
    assert browser.get("/reports").location.startswith("https://portal.example/sign-in")
