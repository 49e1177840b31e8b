"""What a proxy is told that asks before each request, and what nobody can make us tell it."""

from __future__ import annotations

import pytest

from wsgi_mfa import AuthTkt, Chain, ConfigurationError, FlaskSession, Policy, RemoteUser, TrustedHeader
from wsgi_mfa.adapters import AdapterTraits
from wsgi_mfa.support import SupportDesk

SECRET_KEY = "the secret of a portal in tests"
NGINX = "/mfa/forward-auth?for=auth_request"
ASK = {"nginx": NGINX, "Caddy": "/mfa/forward-auth"}
PROXY = "10.0.0.5"
PERSON = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "X-Forwarded-Method": "GET"}

pytestmark = pytest.mark.requirement("D8")


@pytest.fixture
def behind_proxy(wrapped, portal, new_browser):
    """A browser whose requests come by way of a proxy; it has a session at the portal."""
    application = wrapped(
        portal,
        identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
        forward_auth=True,
        policy=Policy(trusted_peers=(PROXY,)),
    )
    browser = new_browser(application, environ={"REMOTE_ADDR": PROXY})
    browser.cookies["session"] = portal.cookie("alice")
    return browser


@pytest.fixture
def ask(behind_proxy):
    """``ask("nginx", path, **headers)``: what the proxy is told of a request of that browser."""

    def send(front, path="/reports?page=2", *, environ=None, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**PERSON, "X-Forwarded-Uri": path, **given}
        sent = {name: value for name, value in sent.items() if value is not None}
        return behind_proxy.request("GET", ASK[front], headers=sent, environ=environ)

    return send


# Who may pass


@pytest.mark.parametrize("front", ASK)
def test_a_visitor_passes_as_nobody(ask, behind_proxy, front):
    del behind_proxy.cookies["session"]
    behind_proxy.cookies["lang"] = "de"
    answer = ask(front)
    assert answer.status == 200
    assert answer.header("Cookie") == "lang=de"
    assert answer.header("X-Mfa-User") == ""


def test_a_password_alone_leads_to_our_page_and_from_there_to_the_page_first_asked_for(
    ask, behind_proxy, phone_of, portal
):
    told = ask("Caddy")
    assert told.status == 303
    assert told.location.startswith("/mfa/enroll?next=")
    behind_proxy.enroll(told.location, phone_of)
    assert portal.calls == []  # the proxy calls the portal, not we
    passed = ask("Caddy")
    assert passed.status == 200
    assert passed.header("X-Mfa-User") == "alice"
    assert passed.header("X-Mfa-Method") == "code"
    assert int(passed.header("X-Mfa-Verified-At")) > 0
    assert passed.header("Cookie") == f"session={behind_proxy.cookies['session']}"
    assert passed.body == b""
    assert passed.header("Cache-Control") == "no-store"


#: What Traefik 3.7.15 sent for a GET of https://portal.example/reports?page=2&x=%2F, recorded with the file of
#: docs/forward-auth.md, where the client had sent X-Forwarded-Uri, -Method, -For and -Proto of its own.
BY_TRAEFIK = """\
Host: 127.0.0.1:8080
User-Agent: Mozilla/5.0
Accept: text/html
Accept-Language: de
Sec-Fetch-Mode: navigate
X-Forwarded-For: 192.0.2.7
X-Forwarded-Host: portal.example
X-Forwarded-Method: GET
X-Forwarded-Port: 443
X-Forwarded-Proto: https
X-Forwarded-Uri: /reports?page=2&x=%2F
X-Mfa-User: mallory
Accept-Encoding: gzip
"""


@pytest.mark.parametrize(("peer", "page"), [(PROXY, "/reports?page=2&x=%2F"), ("10.0.0.6", "/")])
def test_traefik_is_told_who_it_is_and_believed_about_the_page_if_it_is_a_listed_peer(
    behind_proxy, phone_of, peer, page
):
    recorded = dict(line.split(": ", 1) for line in BY_TRAEFIK.splitlines())
    behind_proxy.environ["REMOTE_ADDR"] = peer
    behind_proxy.cookies["lang"] = "de"
    told = behind_proxy.request("GET", "/mfa/forward-auth", headers=recorded)
    assert told.status == 303
    opened = behind_proxy.open(told.location)
    manual = behind_proxy.navigate(next(link for link in opened.page.links if "/enroll/manual" in link))
    phone = phone_of(manual.page.by_id["key"])
    saving = behind_proxy.submit(manual, "/enroll/manual", code=phone.code())
    assert page in behind_proxy.submit(saving, "/recovery-code").page.links
    passed = behind_proxy.request("GET", "/mfa/forward-auth", headers=recorded)
    assert passed.status == 200
    # What `authResponseHeaders` names takes the place of what the client sent.
    assert passed.header("Cookie") == f"session={behind_proxy.cookies['session']}; lang=de"
    assert passed.header("X-Mfa-User") == "alice"


def test_the_target_is_the_path_that_the_proxy_names(ask, behind_proxy, phone_of):
    told = ask("Caddy", "/reports?page=2&x=%2F")
    page = behind_proxy.open(told.location)
    assert page.page.outcome == "must_enroll"
    manual = behind_proxy.navigate(next(link for link in page.page.links if "/enroll/manual" in link))
    phone = phone_of(manual.page.by_id["key"])
    saving = behind_proxy.submit(manual, "/enroll/manual", code=phone.code())
    done = behind_proxy.submit(saving, "/recovery-code")
    assert "/reports?page=2&x=%2F" in done.page.links


def test_nginx_reads_the_way_from_a_header_and_statuses_alone(ask):
    told = ask("nginx")
    assert told.status == 401
    assert told.location is None
    assert told.header("X-Mfa-Location").startswith("/mfa/enroll?next=")


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_Method": "DELETE"},
        {"X_Forwarded_Method": "GET, POST"},
        {"Sec_Fetch_Mode": "cors"},
        {"Sec_Fetch_Mode": None, "Accept": "application/json"},
    ],
)
def test_what_is_no_page_for_a_person_gets_a_problem(ask, headers):
    told = ask("Caddy", **headers)
    assert told.status == 401
    assert told.problem == "must_enroll"
    assert ask("nginx", **headers).status == 403


# What the front forwards is not relied on


@pytest.mark.requirement("R64")
@pytest.mark.parametrize(
    "uri",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "/a,/b",
        "/a b",
        "",
        "reports",
        "/" + "x" * 3000,
    ],
)
def test_a_path_that_could_lead_elsewhere_leads_to_the_root(ask, behind_proxy, uri):
    told = ask("Caddy", uri)
    assert behind_proxy.application._site.targets.opened(told.location.partition("next=")[2]) == "/"


def test_a_path_named_by_anybody_else_leads_to_the_root(ask, behind_proxy):
    told = ask("Caddy", environ={"REMOTE_ADDR": "192.0.2.1"})
    assert behind_proxy.application._site.targets.opened(told.location.partition("next=")[2]) == "/"


@pytest.mark.requirement("D6")
@pytest.mark.parametrize("front", ASK)
@pytest.mark.parametrize(
    "spelling",
    [
        "session={v}; session={w}",
        "session={w}; session={v}",
        "session=; session={v}",
        'session="{v}, session={w}"',
        "a=1, session={v}",
        "lang=de,session={v}",
        "$Version=1, session={v}",
        "remember_token=alice|x; session={v}",
        "session={v}x",
        "session={v}, session={w}",
    ],
)
def test_cookies_that_a_portal_could_read_otherwise_pass_nowhere(
    ask, behind_proxy, portal, phone_of, front, spelling
):
    behind_proxy.enroll(ask("Caddy").location, phone_of)
    ours = "; ".join(f"{name}={value}" for name, value in behind_proxy.cookies.items() if name != "session")
    header = spelling.format(v=behind_proxy.cookies["session"], w=portal.cookie("mallory"))
    told = ask(front, environ={"HTTP_COOKIE": f"{header}; {ours}"})
    assert told.status == {"nginx": 401, "Caddy": 303}[front]
    assert told.header("Cookie") is None
    location = told.header("X-Mfa-Location") or told.location
    assert location == "/mfa/forward-auth/cookies"


@pytest.mark.requirement("D4", "R62")
@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "X-Forwarded-User", "X-Wsgi-Mfa-User"])
def test_a_header_that_carries_a_user_passes_nowhere(ask, behind_proxy, phone_of, name):
    behind_proxy.enroll(ask("Caddy").location, phone_of)
    for front in ASK:
        assert ask(front, **{name: "Basic YWxpY2U6eA=="}).status == 403


@pytest.mark.requirement("D4")
@pytest.mark.parametrize("query", ["api_key=x", "a=1&access_token=x", "a=1;%61pi_key=x", "Auth-Token=x"])
def test_an_argument_that_carries_a_user_passes_nowhere(ask, behind_proxy, phone_of, query):
    behind_proxy.enroll(ask("Caddy").location, phone_of)
    for front in ASK:
        assert ask(front, f"/reports?{query}").status == 403


@pytest.mark.requirement("D39")
@pytest.mark.parametrize(
    "path", ["/reports;session=x", "/a;SESSION=x/b?c=d", "/a%3bsession=x", "/a;%73ession=x"]
)
def test_a_session_in_the_path_passes_nowhere(ask, behind_proxy, phone_of, path):
    behind_proxy.enroll(ask("Caddy").location, phone_of)
    for front in ASK:
        assert ask(front, path).status == 403
    assert ask("Caddy", "/reports;page=2").status == 200


@pytest.mark.requirement("D43a")
def test_a_target_that_is_too_long_passes_nowhere(ask, behind_proxy, phone_of):
    behind_proxy.enroll(ask("Caddy").location, phone_of)
    for target, status in (("/" + "a" * 9_000, 414), ("/?" + "a" * 40_000, 414)):
        assert ask("Caddy", target).status == status
        assert ask("nginx", target).status == 403


@pytest.mark.requirement("D43")
def test_watched_fields_are_an_error_since_no_body_is_shown(wrapped, portal):
    with pytest.raises(ConfigurationError, match="use the gateway") as caught:
        wrapped(
            portal,
            identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
            forward_auth=True,
            sign_in_fields=["roundup"],
            sign_in_paths=["/sign-in"],
        )
    assert caught.value.setting == "sign_in_fields"


def test_the_page_names_the_cookies_and_takes_them_away(ask, behind_proxy):
    behind_proxy.cookies["session"] += "x"
    page = behind_proxy.open(ask("Caddy").location)
    assert page.status == 401
    assert "session" in page.text
    cleared = behind_proxy.submit_only(page, "/forward-auth/cookies")
    assert cleared.status == 303
    assert cleared.location == "/"
    assert "session" not in behind_proxy.cookies
    assert ask("Caddy").status == 200


@pytest.mark.requirement("R73")
def test_clearing_needs_the_token(ask, behind_proxy):
    behind_proxy.cookies["session"] += "x"
    behind_proxy.open(ask("Caddy").location)
    rejected = behind_proxy.post_form("/mfa/forward-auth/cookies", {"csrf": "guessed"})
    assert rejected.status == 403
    assert "session" in behind_proxy.cookies


@pytest.mark.requirement("R71")
def test_a_cookie_that_cannot_be_named_is_written_into_no_header(behind_proxy):
    page = behind_proxy.request(
        "GET", "/mfa/forward-auth/cookies", headers=PERSON,
        environ={"HTTP_COOKIE": "bad name\x01=1, session=V; session=1; session=2"},
    )  # fmt: skip
    assert page.status == 401
    cleared = behind_proxy.submit_only(page, "/forward-auth/cookies")
    assert not any("\x01" in value for value in cleared.all("Set-Cookie"))


def test_who_has_nothing_to_clear_is_led_to_the_portal(behind_proxy):
    assert behind_proxy.navigate("/mfa/forward-auth/cookies").location == "/"


@pytest.mark.requirement("D19")
def test_a_login_that_was_ended_at_our_page_passes_nowhere(ask, behind_proxy, phone_of):
    told = ask("Caddy")
    page = behind_proxy.open(told.location)
    behind_proxy.submit_only(page, "/sign-out")
    assert ask("Caddy").location == "/mfa/forward-auth/cookies"


@pytest.mark.requirement("R45")
def test_a_reset_is_seen_at_the_next_question(ask, behind_proxy, portal, phone_of):
    behind_proxy.cookies["session"] = portal.cookie("alice@example.com")
    behind_proxy.enroll(ask("Caddy").location, phone_of)
    assert ask("Caddy").status == 200
    desk = SupportDesk(behind_proxy.application.service)
    desk.reset("alice@example.com", email="alice@example.com", reason="lost the phone", agent="edith")
    assert ask("Caddy").location.startswith("/mfa/enroll?")


@pytest.mark.requirement("R14", "D35")
def test_plain_http_is_refused(ask):
    assert ask("Caddy", environ={"wsgi.url_scheme": "http"}).status == 403
    assert ask("nginx", environ={"wsgi.url_scheme": "http"}).status == 403


@pytest.mark.requirement("R80")
def test_a_store_that_fails_lets_nothing_pass(ask, behind_proxy, memory_store, monkeypatch):
    def fails(user):
        raise OSError("the disk is gone")

    monkeypatch.setattr(memory_store, "load", fails)
    for front in ASK:
        assert ask(front).status == 503


@pytest.mark.requirement("R71")
def test_a_name_that_no_header_can_hold_is_percent_encoded(ask, behind_proxy, portal, phone_of):
    behind_proxy.cookies["session"] = portal.cookie("zoë 日本")
    behind_proxy.enroll(ask("Caddy").location, phone_of)
    assert ask("Caddy").header("X-Mfa-User") == "zo%C3%AB %E6%97%A5%E6%9C%AC"


# Which portals it is for


def test_it_is_not_there_unless_it_was_asked_for(flask_portal, new_browser):
    assert new_browser(flask_portal).navigate("/mfa/forward-auth").status == 404
    assert new_browser(flask_portal).navigate("/mfa/forward-auth/cookies").status == 404


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (lambda: RemoteUser(), "RemoteUser reads more than cookies"),
        (lambda: TrustedHeader("X-User", peers=[PROXY]), "TrustedHeader reads more than cookies"),
        (
            lambda: Chain(RemoteUser(), FlaskSession(SECRET_KEY, user_key="_user_id")),
            "Chain reads more than cookies",
        ),
    ],
)
def test_an_adapter_that_a_question_cannot_be_answered_by_is_refused(wrapped, portal, identity, message):
    with pytest.raises(ConfigurationError, match=f"forward_auth: {message}"):
        wrapped(portal, identity=identity(), forward_auth=True, renews_sessions=True)


class Renewing(FlaskSession):
    traits = AdapterTraits(user_changes_in_response=True)


def test_a_portal_must_renew_its_sessions_and_somebody_must_know(wrapped, portal):
    identity = Renewing(SECRET_KEY, user_key="_user_id")
    with pytest.raises(ConfigurationError, match="renews_sessions = true"):
        wrapped(portal, identity=identity, forward_auth=True)
    wrapped(portal, identity=identity, forward_auth=True, renews_sessions=True)
    wrapped(portal, identity=AuthTkt(SECRET_KEY), forward_auth=True)


@pytest.mark.requirement("D4")
@pytest.mark.parametrize(
    ("path", "headers"),
    [("/reports?sesame=open", {}), ("/reports?%73esame=open", {}), ("/reports", {"X-Portal-Key": "open"})],
)
def test_a_door_that_the_settings_name_is_closed_at_the_proxy_too(
    wrapped, portal, new_browser, path, headers
):
    application = wrapped(
        portal,
        identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
        forward_auth=True,
        policy=Policy(trusted_peers=(PROXY,)),
        undeclared_credentials=["header X-Portal-Key", "argument sesame"],
    )
    visitor = new_browser(application, environ={"REMOTE_ADDR": PROXY})
    asked = {**PERSON, "X-Forwarded-Uri": path, **headers}
    assert visitor.request("GET", ASK["Caddy"], headers=asked).status == 403
    assert (
        visitor.request("GET", ASK["Caddy"], headers={**PERSON, "X-Forwarded-Uri": "/reports"}).status == 200
    )


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("front", ASK)
def test_who_needs_no_second_factor_yet_passes_and_is_reminded(
    wrapped, portal, new_browser, clock, phone_of, front
):
    application = wrapped(
        portal,
        identity=FlaskSession(SECRET_KEY, user_key="_user_id"),
        forward_auth=True,
        policy=Policy(trusted_peers=(PROXY,), required_from="never", required_users=("bob",)),
    )
    browser = new_browser(application, environ={"REMOTE_ADDR": PROXY})
    browser.cookies["session"] = portal.cookie("alice")

    def asked(**headers):
        sent = {**PERSON, "X-Forwarded-Uri": "/reports", **headers}
        answer = browser.request("GET", ASK[front], headers=sent)
        return answer.status, answer.header("X-Mfa-Location") or answer.location or ""

    status, location = asked()
    assert status == (401 if front == "nginx" else 303)
    assert location.startswith("/mfa/reminder?next=")
    program = {"Accept": "application/json", "Sec-Fetch-Mode": "cors"}
    assert asked(**program) == asked(**{"X-Forwarded-Method": "POST"}) == (200, "")
    done = browser.submit(browser.navigate(location), "/reminder")
    assert done.page.refresh == "0;url=/reports"
    assert asked() == (200, "")
    browser.cookies["session"] = portal.cookie("bob")
    assert asked()[1].startswith("/mfa/enroll?next=")
    assert asked(**program)[0] == (403 if front == "nginx" else 401)
