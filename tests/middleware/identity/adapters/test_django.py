from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pyotp
import pytest
from werkzeug.test import Client

from wsgi_mfa import KeyRing, MfaMiddleware
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor, problems_of
from wsgi_mfa.identity.adapters.django import (
    DjangoSession,
    django_person,
    django_person_with_groups,
)
from wsgi_mfa.identity.adapters.framework_session import fingerprint_of

pytest.importorskip("django")

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]


@pytest.fixture(params=ENGINES)
def engine(request, django_project, tmp_path):
    with django_project.using(request.param, tmp_path):
        yield request.param


@pytest.fixture
def session_of(engine):
    """``session_of(values)``: the key of a session that holds them."""
    from importlib import import_module

    def make(**values: Any) -> str:
        session = import_module(f"django.contrib.sessions.backends.{engine}").SessionStore()
        session.update(values)
        session.save()
        return str(session.session_key)

    return make


def environ(key: str) -> dict[str, Any]:
    return {"HTTP_COOKIE": f"sessionid={key}; csrftoken=x"}


def test_the_user_is_the_primary_key_in_the_session(engine, session_of) -> None:
    adapter = DjangoSession()
    key = session_of(_auth_user_id="7")
    login = None if engine == "signed_cookies" else fingerprint_of(key)
    assert adapter.identify(environ(key)) == FirstFactor(user="7", login=login)
    assert adapter.identify(environ(session_of(testcookie="worked"))) is None
    assert adapter.identify({}) is None
    assert adapter.credentials.cookies == ("sessionid",)
    assert problems_of(adapter, has_directory=True, ask_store=True) == []


@pytest.mark.requirement("R60")
def test_an_unknown_session_proves_nothing(engine, session_of) -> None:
    adapter = DjangoSession()
    key = session_of(_auth_user_id="7")
    for wrong in (key[:-1], key + "x", key.swapcase(), "x", "../../etc/passwd", "a" * 5000):
        assert adapter.identify(environ(wrong)) is UNRESOLVED, wrong


@pytest.mark.requirement("D3")
def test_a_session_that_ends_is_seen_at_once(engine, session_of) -> None:
    if engine == "signed_cookies":
        pytest.skip("a session in a cookie cannot be ended")
    from importlib import import_module

    adapter = DjangoSession()
    key = session_of(_auth_user_id="7")
    import_module(f"django.contrib.sessions.backends.{engine}").SessionStore(key).delete()
    assert adapter.identify(environ(key)) is UNRESOLVED


@pytest.mark.requirement("D7")
def test_a_database_that_cannot_be_asked_is_not_an_unknown_session(django_project, tmp_path) -> None:
    from django.db import connection

    with django_project.using("db", tmp_path):
        adapter = DjangoSession()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE django_session RENAME TO moved")
        try:
            with pytest.raises(AdapterUnavailableError, match="django_session"):
                adapter.identify(environ("x"))
            assert adapter.selftest() == []
            (problem,) = adapter.store_selftest()
            assert "was it migrated?" in problem
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE moved RENAME TO django_session")


def test_a_connection_is_left_as_it_was_found(django_project, tmp_path) -> None:
    from django.db import connection

    with django_project.using("db", tmp_path):
        adapter = DjangoSession()
        connection.close()
        adapter.identify(environ("x"))
        assert connection.connection is None
        connection.ensure_connection()
        adapter.identify(environ("x"))
        assert connection.connection is not None
        connection.close()


def test_a_project_without_sessions_is_told_what_to_add(django_project, tmp_path) -> None:
    from django.test import override_settings

    with django_project.using("db", tmp_path), override_settings(MIDDLEWARE=[]):
        (problem,) = DjangoSession().selftest()
        assert "add django.contrib.sessions.middleware.SessionMiddleware to MIDDLEWARE" in problem


def test_a_project_that_cannot_be_set_up_is_told_of_the_variable(django_project, tmp_path) -> None:
    from django.test import override_settings

    with (
        django_project.using("db", tmp_path),
        override_settings(SESSION_ENGINE="no.such.engine"),
        pytest.raises(ConfigurationError, match="DJANGO_SETTINGS_MODULE"),
    ):
        DjangoSession()


def test_django_must_be_there(monkeypatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "django"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "django", None)
    with pytest.raises(ConfigurationError, match="needs Django"):
        DjangoSession()


@pytest.mark.requirement("D1")
def test_the_directory_knows_active_users_by_their_keys(django_project, tmp_path) -> None:
    with django_project.using("db", tmp_path):
        users = django_project.users()
        users.all().delete()
        alice = users.create_user("alice", "alice@example.com", "x")
        bare = users.create_user("bob", "", "x")
        gone = users.create_user("carol", "carol@example.com", "x", is_active=False)
        assert django_person(str(alice.pk)) == Person(
            name="alice", email="alice@example.com", key=str(alice.pk)
        )
        assert django_person(str(bare.pk)) == Person(name="bob", email=None, key=str(bare.pk))
        assert django_person(str(gone.pk)) is None
        assert django_person("987654") is None
        assert django_person("alice") is None
        other = users.create_user("Alice", "other@example.com", "x")
        assert django_person(str(other.pk)) == Person(
            name="Alice", email="other@example.com", key=str(other.pk)
        )
        assert [person.key for person in django_person.find("ALICE")] == [str(alice.pk), str(other.pk)]
        assert [person.key for person in django_person.find("Other@example.com")] == [str(other.pk)]
        assert [person.name for person in django_person.everyone()] == ["alice", "bob", "carol", "Alice"]
        alice.username = "alicia"
        alice.save()
        renamed = django_person(str(alice.pk))
        assert renamed is not None
        assert (renamed.name, renamed.key) == ("alicia", str(alice.pk))


@pytest.mark.requirement("R41")
def test_the_directory_lists_active_users_and_knows_their_groups_if_it_is_to(
    django_project, tmp_path
) -> None:
    from django.contrib.auth.models import Group

    with django_project.using("db", tmp_path):
        users = django_project.users()
        users.all().delete()
        alice = users.create_user("alice", "alice@example.com", "x")
        users.create_user("bob", "", "x")
        users.create_user("carol", "carol@example.com", "x", is_active=False)
        alice.groups.add(Group.objects.get_or_create(name="clerks")[0])
        known = Person(name="alice", email="alice@example.com", groups=("clerks",), key=str(alice.pk))
        assert django_person_with_groups(str(alice.pk)) == known
        assert django_person(str(alice.pk)) == Person(
            name="alice", email="alice@example.com", key=str(alice.pk)
        )
        assert sorted(person.name for person in django_person.people()) == ["alice", "bob"]
        assert known in list(django_person_with_groups.people())


@pytest.mark.requirement("D44")
def test_a_user_who_signs_in_by_any_spelling_and_is_renamed_has_one_account(django_project, tmp_path) -> None:
    """As Mailman-web has it: an address without case signs in, and users change their names themselves."""
    from django.contrib.auth import get_user_model

    def greeting(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"welcome"]

    with django_project.using("db", tmp_path):
        users = django_project.users()
        users.all().delete()
        ann = users.create_user("ann", "ann@example.com", "x")
        mallory = users.create_user("mallory", "mallory@example.com", "x")
        application = MfaMiddleware(
            greeting,
            issuer="Mailing lists",
            identity=DjangoSession(),
            directory=django_person,
            store="memory://",
            keys=KeyRing.from_text("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
            seal_credentials=False,
        )

        def client_of(typed: str) -> Client:
            """A browser after a sign-in by an address in whatever case, as django-allauth looks it up."""
            user = get_user_model().objects.get(email__iexact=typed)
            store = import_module("django.contrib.sessions.backends.db").SessionStore()
            store["_auth_user_id"] = str(user.pk)
            store.save()
            client = Client(application)
            client.set_cookie("sessionid", store.session_key, domain="localhost")
            return client

        def asked(client: Client) -> str:
            answer = client.get("/", base_url="https://localhost", headers={"Accept": "application/json"})
            return "in" if answer.status_code == 200 else answer.json["type"].removeprefix("urn:wsgi-mfa:")

        def json(client: Client, path: str, **members: object) -> dict[str, str]:
            url, base = f"/mfa/{path}", "https://localhost"
            if members:
                return client.post(
                    url, json=members, base_url=base, headers={"Accept": "application/json"}
                ).json
            return client.get(url, base_url=base, headers={"Accept": "application/json"}).json

        first = client_of("Ann@Example.COM")
        assert asked(first) == "must_enroll"
        offer = json(first, "enroll")
        assert offer["account"] == "ann"
        json(first, "enroll", code=pyotp.TOTP(offer["key"]).now())
        json(first, "recovery-code", saved=True)
        assert asked(first) == "in"
        assert asked(client_of("ann@example.com")) == asked(client_of("ANN@EXAMPLE.COM")) == "must_verify"
        ann.username, ann.email = "anna", "anna@example.com"
        ann.save()
        mallory.username, mallory.email = "ann", "ann@example.com"
        mallory.save()
        assert asked(first) == "in"
        assert asked(client_of("anna@example.com")) == "must_verify"
        assert asked(client_of("ann@example.com")) == "must_enroll"  # another user, by whatever name
        assert application.service.store.users() == [str(ann.pk)]
