"""Spellings of user names before the wrapped portal: who shares a second factor, and who does not (D44)."""

from __future__ import annotations

import base64
import hashlib
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from wsgi_mfa import FlaskSession, HtpasswdFile, HttpBasic, Person, Policy, RemoteUser
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.operations.spellings import SpellingKeeper, groups_of
from wsgi_mfa.stores import SqliteStore, StoreIdentity

SECRET_KEY = "the secret of a portal in tests"

pytestmark = pytest.mark.requirement("D44")


@pytest.fixture
def as_user(wrapped, portal, new_browser):
    """``as_user(name, **settings)``: a browser whom the server in front names so."""
    applications: dict[str, object] = {}

    def make(name: str, **settings: object):
        key = repr(sorted(settings.items(), key=str))
        application = applications.setdefault(key, wrapped(portal, **settings))
        return new_browser(application, environ={"REMOTE_USER": name})

    return make


@pytest.fixture
def keeper(wrapped, portal):
    return SpellingKeeper(wrapped(portal).service, agent="console:root", reason="asked both")


def stands(browser) -> str:
    answer = browser.request("GET", "/private")
    return "in" if answer.status == 200 else str(answer.json.get("reason") or answer.problem)


def test_another_spelling_is_rejected_once_one_is_bound(as_user, phone_of, memory_store, caplog) -> None:
    caplog.set_level(logging.WARNING)
    bob = as_user("bob")
    bob.enroll("/", phone_of)
    other = as_user("Bob")
    answer = other.navigate("/private")
    assert answer.status == 403
    assert "spelt in another way" in answer.text
    assert stands(other) == "other_spelling"
    assert stands(bob) == "in"
    (line,) = [each.getMessage() for each in caplog.records if "spelling" in each.getMessage()]
    assert "'Bob' is another spelling of 'bob'" in line
    assert "wsgi-mfa accounts spellings" in line
    assert memory_store.load("bob").refused_spellings == ("Bob",)
    assert [event.kind for event in memory_store.events("bob")].count("spelling.rejected") == 1
    assert memory_store.load("Bob") is None


@pytest.mark.parametrize(
    "path", ["/mfa/enroll", "/mfa/verify", "/mfa/recover", "/mfa/account", "/mfa/unlock"]
)
def test_no_page_of_ours_takes_another_spelling(as_user, phone_of, path) -> None:
    as_user("bob").enroll("/", phone_of)
    assert as_user("BOB").get_json(path).status == 403


def test_who_is_rejected_may_sign_out(wrapped, portal, new_browser, sign_in, phone_of) -> None:
    application = wrapped(portal, identity=FlaskSession(SECRET_KEY, user_key="_user_id"), user_names="ask")
    first, second = new_browser(application), new_browser(application)
    sign_in(first, "bob")
    first.enroll("/", phone_of)
    assert sign_in(second, "Bob").status == 403
    assert "session" not in second.cookies
    second.cookies["session"] = portal.cookie("Bob")
    page = second.navigate("/")
    assert page.status == 403
    second.submit_only(page, "/sign-out")
    assert "session" not in second.cookies


def test_the_first_who_shows_a_second_factor_binds_an_account_of_before(
    as_user, phone_of, memory_store, clock
) -> None:
    phone = as_user("bob", user_names="folded").enroll("/", phone_of)
    assert memory_store.load("bob").spellings == ()
    first, second = as_user("Bob"), as_user("bob")
    assert stands(first) == stands(second) == "must_verify"
    clock.wait_for_step()
    first.enter_code("/", phone)
    assert memory_store.load("bob").spellings == ("Bob",)
    assert (stands(first), stands(second)) == ("in", "other_spelling")


def test_two_spellings_that_enroll_at_once_do_not_share_an_account(as_user, phone_of, memory_store) -> None:
    first, second = as_user("bob"), as_user("Bob")
    offer = second.get_json("/mfa/enroll").json
    first.enroll("/", phone_of)
    code = phone_of(offer["key"]).code()
    assert second.post_json("/mfa/enroll", {"code": code}).status == 403
    assert memory_store.load("bob").spellings == ("bob",)


def test_exact_names_have_a_second_factor_each(as_user, phone_of, memory_store) -> None:
    settings = {"user_names": "exact"}
    bob, other = as_user("bob", **settings), as_user("Bob", **settings)
    bob.enroll("/", phone_of)
    assert stands(other) == "must_enroll"
    other.enroll("/", phone_of)
    assert (stands(bob), stands(other)) == ("in", "in")
    assert memory_store.load("bob").authenticator != memory_store.load("Bob").authenticator


def test_an_operator_says_that_two_spellings_are_one_user(
    as_user, phone_of, keeper, memory_store, clock
) -> None:
    phone = as_user("bob").enroll("/", phone_of)
    other = as_user("Bob")
    assert stands(other) == "other_spelling"
    assert keeper.same("Bob") == "bob"
    assert stands(other) == "must_verify"
    clock.wait_for_step()
    other.enter_code("/", phone)
    assert stands(other) == "in"
    assert groups_of(memory_store)[0].refused == ()
    assert stands(as_user("BOB")) == "other_spelling"


@pytest.mark.parametrize(("bound", "other"), [("bob", "Bob"), ("Bob", "bob")])
def test_an_operator_says_that_two_spellings_are_two_users(
    as_user, phone_of, keeper, bound, other, clock
) -> None:
    phone = as_user(bound).enroll("/", phone_of)
    second = as_user(other)
    assert stands(second) == "other_spelling"
    keeper.apart(other)
    assert stands(second) in ("must_enroll", "enrollment_code_needed")
    assert stands(as_user("BOB")) == "other_spelling"
    first = as_user(bound)
    assert stands(first) == "must_verify"
    for _ in range(3):  # no code from before a move counts
        clock.wait_for_step()
    first.enter_code("/", phone)
    assert stands(first) == "in"
    assert stands(as_user(other)) != "in"


def test_folded_does_not_start_while_spellings_are_not_settled(
    as_user, phone_of, wrapped, portal, keeper
) -> None:
    as_user("bob").enroll("/", phone_of)
    assert stands(as_user("Bob")) == "other_spelling"
    with pytest.raises(ConfigurationError, match=r"user_names is 'folded': 'bob': .*accounts spellings"):
        wrapped(portal, user_names="folded")
    keeper.same("Bob")
    wrapped(portal, user_names="folded")


def test_folded_does_not_start_over_exact_accounts(as_user, phone_of, wrapped, portal) -> None:
    as_user("Bob", user_names="exact").enroll("/", phone_of)
    with pytest.raises(ConfigurationError, match="user_names is 'folded'"):
        wrapped(portal, user_names="folded")


def test_no_third_spelling_begins_an_account_beside_exact_ones(
    as_user, phone_of, keeper, caplog, clock
) -> None:
    phone = as_user("Bob", user_names="exact").enroll("/", phone_of)
    other = as_user("BOB")
    assert other.navigate("/").status == 503
    assert "--apart" in caplog.text
    keeper.apart("Bob")
    assert stands(other) == "other_spelling"
    bob = as_user("Bob")
    clock.wait_for_step()
    bob.enter_code("/", phone)
    assert stands(bob) == "in"


def test_a_setting_that_is_not_legal_is_an_error_that_names_what_is(wrapped, portal) -> None:
    with pytest.raises(ConfigurationError, match="user_names is 'Exact': legal are exact, ask, folded"):
        wrapped(portal, user_names="Exact")


def test_a_store_of_the_first_code_is_found_by_every_spelling_and_enrolls_nobody(
    wrapped, portal, new_browser, tmp_path
) -> None:
    path = tmp_path / "mfa.db"
    dump = Path(__file__).parents[1] / "stores" / "files" / "layout-1.sql"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text())
    identity = StoreIdentity(store_id="0" * 32, made_at=1)
    for mode in ("exact", "ask"):
        # Its accounts have no MAC, and are taken for as long as the form before is written (D48a).
        window = SqliteStore(path, create=False, new_identity=identity, document_schema=2)
        with closing(window) as store:
            application = wrapped(portal, store=store, user_names=mode)
            for name in ("user1@example.com", "User1@Example.com"):
                assert stands(new_browser(application, environ={"REMOTE_USER": name})) == "must_verify"


def test_a_checker_that_tells_names_apart_waits_for_the_operator(
    wrapped, portal, new_browser, phone_of, keeper
) -> None:
    passwords = {"bob": "one", "Bob": "two"}
    application = wrapped(portal, identity=HttpBasic(lambda name, password: passwords.get(name) == password))

    def basic(name: str):
        encoded = base64.b64encode(f"{name}:{passwords[name]}".encode()).decode()
        return new_browser(application, environ={"HTTP_AUTHORIZATION": f"Basic {encoded}"})

    basic("bob").enroll("/", phone_of)
    assert stands(basic("Bob")) == "other_spelling"
    keeper.apart("Bob")
    assert stands(basic("Bob")) == "must_enroll"


def test_each_line_of_a_password_file_has_a_second_factor(
    wrapped, portal, new_browser, phone_of, tmp_path
) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(
        "".join(f"{name}:{sha(password)}\n" for name, password in (("bob", "one"), ("Bob", "two")))
    )
    application = wrapped(portal, identity=HttpBasic(HtpasswdFile(file)))

    def basic(name: str, password: str):
        encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
        return new_browser(application, environ={"HTTP_AUTHORIZATION": f"Basic {encoded}"})

    basic("bob", "one").enroll("/", phone_of)
    assert stands(basic("Bob", "two")) == "must_enroll"
    assert (
        basic("BOB", "one").request("GET", "/private").status == 200
    )  # a visitor: the file has no such line
    assert "HTTP_AUTHORIZATION" not in portal.calls[-1]


def sha(password: str) -> str:
    return (
        "{SHA}" + base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
    )


def test_a_user_who_is_renamed_at_the_portal_keeps_the_account(
    wrapped, portal, new_browser, phone_of, memory_store, clock
) -> None:
    people = {"7": Person(name="ann", email="ann@example.com", key="7")}
    application = wrapped(portal, directory=people.get)
    browser = new_browser(application, environ={"REMOTE_USER": "7"})
    page = browser.navigate("/mfa/enroll")
    assert "ann" in page.text
    phone = browser.enroll("/", phone_of)
    people["7"] = Person(name="anna", email="anna@example.com", key="7")
    people["8"] = Person(name="ann", email="mallory@example.com", key="8")
    other = new_browser(application, environ={"REMOTE_USER": "8"})
    assert stands(browser) == "in"
    assert stands(other) == "must_enroll"
    assert memory_store.users() == ["7"]
    elsewhere = new_browser(application, environ={"REMOTE_USER": "7"})
    clock.wait_for_step()
    elsewhere.enter_code("/", phone)
    assert stands(elsewhere) == "in"


def test_accounts_bound_by_names_are_not_passed_over_by_keys(
    as_user, wrapped, portal, new_browser, phone_of, caplog
) -> None:
    as_user("ann").enroll("/", phone_of)
    people = {"7": Person(name="ann", key="7")}
    keyed = wrapped(portal, directory=people.get)
    assert new_browser(keyed, environ={"REMOTE_USER": "7"}).navigate("/").status == 503
    assert "accounts migrate" in caplog.text


def test_rules_that_let_a_user_off_are_for_one_spelling_and_others_for_all(as_user, phone_of) -> None:
    policy = Policy(
        rules=(
            {"path": "/private", "user": "Robot", "second_factor": False},
            {"path": "/pay", "user": "ann", "max_age_seconds": 60},
        )
    )
    settings = {"policy": policy, "user_names": "exact"}
    assert stands(as_user("Robot", **settings)) == "in"
    assert stands(as_user("robot", **settings)) == "must_enroll"


def test_only_the_agents_own_spelling_opens_the_desk(as_user, phone_of) -> None:
    settings = {"support_agents": ["edith"], "user_names": "exact"}
    agent, other = as_user("edith", **settings), as_user("Edith", **settings)
    agent.enroll("/", phone_of)
    other.enroll("/", phone_of)
    assert agent.get_json("/mfa/support").json["agent"] is True
    assert other.get_json("/mfa/support").json["agent"] is False


@pytest.mark.parametrize(
    ("adapter", "mode"),
    [
        (RemoteUser(), "ask"),
        (FlaskSession("k" * 32, user_key="_user_id"), "exact"),
        (FlaskSession("k" * 32, user_key="username"), "ask"),
        (FlaskSession("k" * 32, user_key="_user_id", user=str), "ask"),
    ],
)
def test_adapters_know_whether_they_read_an_id_or_a_name(adapter, mode) -> None:
    assert adapter.traits.user_names.value == mode
