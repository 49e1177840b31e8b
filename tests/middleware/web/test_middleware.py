"""Settings, https, mounts, users with odd names, and failures of what the middleware stands on."""

from __future__ import annotations

import pytest

from wsgi_mfa import ConfigurationError, FlaskSession, MfaMiddleware, RemoteUser, SqliteStore
from wsgi_mfa.errors import InvalidIssuerError

BROWSER, SESSION = "__Host-wsgi_mfa_browser_portal", "__Host-wsgi_mfa_session_portal"


# Settings


@pytest.mark.parametrize("keys", [None, "k1:abc", {"k1": bytes(32)}, bytes(32)])
def test_there_is_no_way_to_run_without_a_key_ring(wrapped, portal, keys):
    with pytest.raises(ConfigurationError, match="KeyRing") as raised:
        wrapped(portal, keys=keys)
    assert raised.value.setting == "keys"


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    "mount_path",
    ["", "/", "mfa", "/mfa/", "//mfa", "/m fa", "/mfa/..", "/./mfa", "/mfä", "/mfa?", "/%6dfa", "/m\n"],
)
def test_a_mount_path_is_a_plain_path(wrapped, portal, mount_path):
    with pytest.raises(ConfigurationError, match="such as /mfa") as raised:
        wrapped(portal, mount_path=mount_path)
    assert raised.value.setting == "mount_path"


@pytest.mark.parametrize("issuer", ["", "Client:Portal", "a\nb", "a" * 65])
def test_an_issuer_must_fit_into_an_authenticator_app(wrapped, portal, issuer):
    with pytest.raises(InvalidIssuerError, match="issuer"):
        wrapped(portal, issuer=issuer)


def test_an_adapter_that_finds_something_wrong_with_itself_stops_the_start(wrapped, portal, monkeypatch):
    monkeypatch.setenv("REMOTE_USER", "alice")
    with pytest.raises(ConfigurationError, match="unset REMOTE_USER"):
        wrapped(portal)


def test_a_portal_whose_cookie_has_our_name_stops_the_start(wrapped, portal):
    with pytest.raises(ConfigurationError, match=SESSION):
        wrapped(portal, identity=FlaskSession(portal.secret_key, cookie=SESSION, user_key="_user_id"))


def test_a_store_may_be_given_by_its_url(wrapped, portal, tmp_path, new_browser, phone_of):
    application = wrapped(portal, store=f"sqlite:///{tmp_path / 'mfa.db'}")
    assert isinstance(application.service.store, SqliteStore)
    alice = new_browser(application, environ={"REMOTE_USER": "alice"})
    alice.enroll("/", phone_of)
    assert alice.navigate("/").text == "welcome to /"
    application.service.store.close()


def test_time_and_chance_come_from_the_machine_unless_they_are_given(portal, keys, memory_store, new_browser):
    application = MfaMiddleware(
        portal, issuer="Client Portal", identity=RemoteUser(), store=memory_store, keys=keys
    )
    one, two = (new_browser(application, environ={"REMOTE_USER": "alice"}) for _ in range(2))
    one.navigate("/")
    two.navigate("/")
    assert one.cookies != two.cookies


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("path", ["/", "/mfa/help", "/static/logo.png"])
def test_a_store_that_processes_do_not_share_refuses_several_of_them(browser_of, portal, caplog, path):
    for user in ("alice", None):
        answer = browser_of(user).navigate(path, environ={"wsgi.multiprocess": True})
        assert answer.status == 503
        assert "several processes need a store that they share" in caplog.text
    assert portal.calls == []


@pytest.mark.requirement("R24")
def test_a_store_that_processes_share_serves_several_of_them(wrapped, portal, tmp_path, new_browser):
    application = wrapped(portal, store=f"sqlite:///{tmp_path / 'mfa.db'}")
    browser = new_browser(application, environ={"wsgi.multiprocess": True})
    assert browser.navigate("/").text == "welcome to /"
    application.service.store.close()


# https


@pytest.fixture
def http_browser(wrapped, portal, new_browser):
    """``http_browser(**settings)``: alice before a middleware that is reached by http."""

    def make(**settings):
        application = wrapped(portal, **settings)
        return new_browser(application, origin="http://portal.example", environ={"REMOTE_USER": "alice"})

    return make


PAGES = (
    "enroll",
    "enroll/manual",
    "verify",
    "methods",
    "recover",
    "recovery-code",
    "resync",
    "continue",
    "help",
)


@pytest.mark.requirement("R14", "D35")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_over_plain_http_our_pages_show_no_form_and_set_no_cookie(http_browser, memory_store, page, method):
    for headers in ({"Accept": "text/html"}, {"Accept": "application/json"}):
        answer = http_browser().request(method, f"/mfa/{page}", headers=headers)
        assert answer.status == 403
        assert answer.set_cookies == {}
        assert b"<form" not in answer.body
        assert b"<input" not in answer.body
    assert memory_store.users() == []


@pytest.mark.requirement("R14")
def test_over_plain_http_a_request_is_gated_all_the_same(http_browser, portal):
    alice = http_browser()
    answer = alice.navigate("/reports")
    assert answer.status == 303
    assert answer.set_cookies == {}
    assert alice.follow(answer).page.outcome == "plain_http"
    assert alice.request("GET", "/reports").problem == "must_enroll"
    assert portal.calls == []


@pytest.mark.requirement("R14", "D35")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "proto=https"},
        {"X-Forwarded-Ssl": "on"},
        {"X-Forwarded-Scheme": "https"},
        {"Front-End-Https": "on"},
        {"Host": "127.0.0.1"},
        {"Host": "localhost:8000"},
    ],
)
def test_https_and_loopback_are_never_inferred_from_a_request(http_browser, headers):
    alice = http_browser()
    alice.environ["REMOTE_ADDR"] = "127.0.0.1"
    assert alice.navigate("/mfa/enroll", headers=headers).page.outcome == "plain_http"


@pytest.mark.requirement("R14", "D35")
@pytest.mark.parametrize("scheme", ["https", "http", "https, http", "", "HTTPS", "on", None])
def test_the_header_of_a_trusted_proxy_tells_the_scheme(http_browser, scheme):
    headers = {} if scheme is None else {"X-Forwarded-Proto": scheme}
    is_told = (scheme or "").lower() in ("https", "on")
    answer = http_browser(scheme_from="X-Forwarded-Proto").navigate("/mfa/enroll", headers=headers)
    assert answer.status == (200 if is_told else 403)
    assert set(answer.set_cookies) == ({BROWSER} if is_told else set())


@pytest.mark.requirement("R14")
def test_a_held_sign_in_over_plain_http_sets_no_cookie_of_ours(
    wrapped, portal, new_browser, sign_in, flask_identity
):
    browser = new_browser(wrapped(portal, identity=flask_identity), origin="http://portal.example")
    answer = sign_in(browser, "alice")
    assert answer.status == 303
    assert set(answer.set_cookies) == {"session"}


# Where it is mounted


@pytest.mark.requirement("R66")
@pytest.mark.parametrize("mount_path", ["/mfa", "/sign/in-2.0", "/~mfa"])
@pytest.mark.parametrize("script_name", ["", "/portal", "/a/b"])
def test_the_whole_story_works_wherever_it_is_mounted(
    wrapped, portal, new_browser, phone_of, mount_path, script_name
):
    application = wrapped(portal, mount_path=mount_path)
    alice = new_browser(application, script_name=script_name, environ={"REMOTE_USER": "alice"})
    first = alice.navigate(f"{script_name}/reports?a=b")
    assert first.location.startswith(f"{script_name}{mount_path}/enroll?next=")
    page = alice.follow(first)
    manual = alice.navigate(f"{script_name}{mount_path}/enroll/manual")
    phone = phone_of(manual.page.by_id["key"])
    saving = alice.submit(page, f"{mount_path}/enroll", code=phone.code())
    done = alice.submit(saving, "/recovery-code")
    assert done.page.refresh == f"0;url={script_name}/reports?a=b"
    assert alice.navigate(f"{script_name}/reports?a=b").text == "welcome to /reports"
    assert "Path=/;" in first.set_cookies[BROWSER]


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    "path",
    [
        "/MFA/verify",
        "/mfa%2Fverify%2F..",
        "/mfaverify",
        "/mfa-verify",
        "//mfa/verify",
        "/./mfa/verify",
        "/x/../mfa/verify",
        "/x/mfa/verify",
        "/mfa;x/verify",
        "/mfa\\verify",
        "/mfa%00/verify",
        "/",
        "",
    ],
)
def test_what_only_looks_like_our_path_is_the_applications_and_gated(browser_of, portal, path):
    alice = browser_of("alice")
    answer = alice.request("GET", path, headers={"Accept": "text/html", "Sec-Fetch-Mode": "cors"})
    # A server decodes the path before anybody sees it, so an encoded slash is one.
    assert answer.status == (404 if path.startswith("/mfa%2F") else 401)
    assert portal.calls == []


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    "path", ["http://portal.example/reports", "http://portal.example/mfa/help", "*", "mfa/help", "x"]
)
def test_a_target_in_another_form_is_gated_too(browser_of, portal, path):
    alice = browser_of("alice", validated=False)
    answer = alice.request("GET", "/", environ={"PATH_INFO": path})
    assert answer.status == 401
    assert portal.calls == []


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    "headers",
    [
        {"Script-Name": "/static"},
        {"Path-Info": "/mfa/help"},
        {"X-Original-Uri": "/mfa/help"},
        {"X-Original-Url": "/mfa/help"},
        {"X-Rewrite-Url": "/mfa/help"},
        {"X-Forwarded-Uri": "/mfa/help"},
        {"X-Forwarded-Prefix": "/static"},
        {"X-Script-Name": "/static"},
        {"X-Http-Method-Override": "OPTIONS"},
    ],
)
def test_no_header_moves_our_paths_or_the_gate(browser_of, portal, headers):
    alice = browser_of("alice")
    assert alice.request("GET", "/reports", headers=headers).problem == "must_enroll"
    assert alice.navigate("/mfa/enroll", headers=headers).page.name == "enroll"
    assert portal.calls == []
