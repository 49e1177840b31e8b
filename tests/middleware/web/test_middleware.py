"""Settings, https, mounts, users with odd names, and failures of what the middleware stands on."""

from __future__ import annotations

import logging

import pytest

from wsgi_mfa import (
    AdapterUnavailableError,
    Carriers,
    ConfigurationError,
    FlaskSession,
    InvalidIssuerError,
    KeyRing,
    MemoryStore,
    MfaMiddleware,
    Person,
    Policy,
    RemoteUser,
    SqliteStore,
    StoreError,
    StoreUnavailableError,
)

BROWSER, SESSION = "__Host-wsgi_mfa_browser", "__Host-wsgi_mfa_session"


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
        wrapped(portal, identity=FlaskSession(portal.secret_key, cookie=SESSION))


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
    answer = http_browser(scheme_from="X-Forwarded-Proto").navigate("/mfa/enroll", headers=headers)
    assert answer.status == (200 if scheme == "https" else 403)
    assert set(answer.set_cookies) == ({BROWSER} if scheme == "https" else set())


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
    assert (answer.status, portal.calls) == (404, []) if path.startswith("/mfa%2F") else (401, [])


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


# Who it is


@pytest.mark.requirement("R71")
@pytest.mark.parametrize(
    "user", ["日本", "Ünal Öz", "o'brien", "<b>bob</b>", 'a"b', "a&b", "a;b", "a,b", "user@例え.jp"]
)
def test_any_name_of_a_person_works_on_all_pages_and_in_no_header(
    browser_of, phone_of, portal, user, page_of
):
    browser = browser_of(user.encode().decode("latin-1"))
    phone = browser.enroll("/", phone_of)
    page = browser.navigate("/mfa/recovery-code")
    assert user.casefold() in page.page.words
    assert all(text.isascii() for header in page.headers for text in header)
    assert browser.navigate("/").status == 200
    assert portal.calls[-1]["wsgi_mfa.user"] == user.casefold()
    assert phone.code() not in page.text


@pytest.mark.requirement("R71", "R83", "D1")
@pytest.mark.parametrize("user", ["a\r\nX: y", "a\nb", "a\x00b", "\x1b[2J", "a" * 255, "   ", "a\u202eb"])
def test_a_name_that_can_have_no_account_is_refused(browser_of, portal, memory_store, caplog, user):
    browser = browser_of(user.encode().decode("latin-1"))
    browser.validated = False  # wsgiref's validator has no opinion on REMOTE_USER, and servers neither
    for path in ("/", "/mfa/enroll", "/mfa/help"):
        answer = browser.navigate(path)
        assert answer.status == 403
        assert answer.page.name == "refused"
        assert answer.header("X") is None
        assert browser.request("GET", path, headers={"Accept": "application/json"}).problem == "refused"
    assert portal.calls == []
    assert memory_store.users() == []
    assert all("\n" not in record.getMessage() for record in caplog.records)


@pytest.mark.requirement("D1")
def test_a_directory_maps_what_was_typed_to_one_person(wrapped, portal, new_browser, phone_of, memory_store):
    people = {
        name: Person(name="alice", email="alice@example.com")
        for name in ("alice", "alice@example.com", "Alice L.")
    }
    application = wrapped(portal, directory=people.get)
    browser = new_browser(application, environ={"REMOTE_USER": "Alice L."})
    browser.enroll("/", phone_of)
    browser.environ["REMOTE_USER"] = "alice@example.com"
    assert browser.request("GET", "/").status == 200
    assert memory_store.users() == ["alice"]
    assert memory_store.load("alice").address == "alice@example.com"


@pytest.mark.requirement("D1")
def test_somebody_whom_the_directory_does_not_know_is_refused_and_never_enrolled(
    wrapped, portal, new_browser, memory_store
):
    browser = new_browser(wrapped(portal, directory={}.get), environ={"REMOTE_USER": "mallory"})
    assert browser.navigate("/").page.name == "refused"
    assert browser.navigate("/mfa/enroll").page.name == "refused"
    assert portal.calls == []
    assert memory_store.users() == []


# Failures


class Failing(RemoteUser):
    """An adapter that cannot ask."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def identify(self, environ):
        raise self.error


@pytest.mark.requirement("D7", "R80")
@pytest.mark.parametrize(
    "error", [AdapterUnavailableError("the directory is down"), ValueError("a bug"), KeyError("directory")]
)
@pytest.mark.parametrize("path", ["/", "/mfa/enroll", "/mfa/help", "/static/logo.png"])
def test_an_adapter_that_cannot_ask_closes_everything(wrapped, portal, new_browser, error, path):
    browser = new_browser(wrapped(portal, identity=Failing(error)))
    page = browser.navigate(path)
    assert page.status == 503
    assert page.header("Retry-After") == "5"
    assert page.page.outcome == "unavailable"
    assert str(error) not in page.text
    problem = browser.get_json(path)
    assert (problem.status, problem.problem) == (503, "unavailable")
    assert problem.json["retry_after_seconds"] == 5
    assert portal.calls == []


@pytest.mark.requirement("D7", "R72")
def test_an_adapter_that_cannot_ask_after_the_application_has_answered_holds_the_answer(
    wrapped, portal, new_browser, monkeypatch
):
    identity = FlaskSession(portal.secret_key)

    def application(environ, start_response):
        def identify(environ):
            raise AdapterUnavailableError("gone meanwhile")

        monkeypatch.setattr(identity, "identify", identify)
        return portal(environ, start_response)

    answer = new_browser(wrapped(application, identity=identity)).navigate("/")
    assert answer.status == 503
    assert b"welcome" not in answer.body


@pytest.fixture
def failing_store(memory_store, monkeypatch):
    """``failing_store(error)``: from now on the store answers nothing else."""

    def begin(error):
        def fail(*args, **settings):
            raise error

        for method in ("load", "save", "events", "users", "find_by_address"):
            monkeypatch.setattr(memory_store, method, fail)

    return begin


@pytest.mark.requirement("R80")
@pytest.mark.parametrize(
    "error", [StoreUnavailableError("down"), StoreError("unreadable"), OSError(5, "i/o")]
)
def test_a_store_that_fails_closes_everything_for_those_who_are_signed_in(
    browser_of, portal, phone_of, failing_store, error
):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    failing_store(error)
    for path in ("/", "/static/logo.png", "/mfa/enroll", "/mfa/verify", "/mfa/recovery-code"):
        answer = alice.navigate(path)
        assert answer.status == 503
        assert answer.header("Retry-After") == "5"
        assert answer.set_cookies == {}
        assert alice.get_json(path).problem == "unavailable"
    assert alice.post_json("/mfa/verify", {"code": "123456"}).problem == "unavailable"
    assert portal.calls == []


@pytest.mark.requirement("R80", "R72")
def test_a_store_that_fails_while_the_application_signs_somebody_in_holds_the_answer(
    flask_portal, new_browser, sign_in, failing_store, portal
):
    browser = new_browser(flask_portal)
    failing_store(StoreUnavailableError("down"))
    answer = sign_in(browser, "alice")
    assert answer.status == 503
    assert b"welcome" not in answer.body
    assert browser.cookies == {}


@pytest.mark.requirement("R80")
def test_a_store_that_fails_keeps_nobody_from_the_portals_own_sign_in(
    flask_portal, new_browser, failing_store
):
    failing_store(StoreUnavailableError("down"))
    assert new_browser(flask_portal).navigate("/sign-in-page").text == "welcome to /sign-in-page"


@pytest.mark.requirement("R80", "R63")
def test_an_exempt_path_is_served_as_to_nobody_where_the_store_fails(
    wrapped, portal, new_browser, phone_of, failing_store
):
    application = wrapped(portal, policy=Policy(exempt_paths=("/static",)))
    alice = new_browser(application, environ={"REMOTE_USER": "alice"})
    alice.enroll("/", phone_of)
    assert alice.navigate("/static/logo.png").status == 200
    assert portal.calls[-1]["wsgi_mfa.user"] == "alice"
    failing_store(StoreUnavailableError("down"))
    assert alice.navigate("/static/logo.png").text == "welcome to /static/logo.png"
    assert "REMOTE_USER" not in portal.calls[-1]
    assert "wsgi_mfa.user" not in portal.calls[-1]
    assert alice.navigate("/reports").status == 503


@pytest.mark.requirement("D29")
def test_a_key_that_is_not_in_the_ring_is_an_outage_and_no_missing_enrollment(
    browser_of, wrapped, portal, new_browser, phone_of, clock
):
    phone = browser_of("alice").enroll("/", phone_of)
    clock.wait_for_step()
    other = wrapped(portal, keys=KeyRing([("k2", bytes(32))]))
    alice = new_browser(other, environ={"REMOTE_USER": "alice"})
    page = alice.open("/")
    assert page.page.outcome == "must_verify"
    answer = alice.submit(page, "/verify", code=phone.code())
    assert answer.status == 503
    assert answer.page.outcome == "unavailable"
    assert alice.get_json("/mfa/enroll").problem == "must_verify"
    assert portal.calls == []


@pytest.mark.requirement("R80")
def test_a_failure_is_logged_for_the_operator(wrapped, portal, new_browser, caplog):
    browser = new_browser(wrapped(portal, identity=Failing(ValueError("a bug of the adapter"))))
    with caplog.at_level(logging.ERROR, "wsgi_mfa"):
        browser.navigate("/")
    assert "a bug of the adapter" in caplog.text


def test_an_adapter_of_ones_own_is_taken(wrapped, portal, new_browser, phone_of):
    class Ticket(RemoteUser):
        carriers = Carriers(headers=("portal.user",))

        def identify(self, environ):
            from wsgi_mfa import FirstFactor

            return FirstFactor(user=environ["portal.user"], login="l1") if "portal.user" in environ else None

    browser = new_browser(wrapped(portal, identity=Ticket()), environ={"portal.user": "alice"})
    browser.enroll("/", phone_of)
    assert browser.navigate("/").text == "welcome to /"
    assert isinstance(browser.application.service.store, MemoryStore)
