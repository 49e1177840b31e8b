"""The table ``[identity]``: each kind makes its adapter, and whatever is wrong is one line."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from wsgi_mfa import (
    AuthTkt,
    BeakerSession,
    Chain,
    ConfigurationError,
    DjangoSession,
    EnvironKey,
    FlaskApp,
    FlaskSession,
    HttpBasic,
    LoginForm,
    PyramidSession,
    RemoteUser,
    ResponseHeader,
    SqlSession,
    TrustedHeader,
)
from wsgi_mfa.configuration.adapter_table import ADAPTERS, adapter_from

LEGAL = {
    "remote-user": ({"anonymous_cookies": ["lang"], "aliases": True}, RemoteUser),
    "trusted-header": ({"header": "X-User", "peers": ["10.0.0.5"], "secret_env": "SECRET"}, TrustedHeader),
    "environ-key": ({"key": "repoze.who.identity"}, EnvironKey),
    "http-basic": ({"checker": "operator:is_", "realm": "Portal", "code_digits": 6}, HttpBasic),
    "flask-session": ({"secret_env": "SECRET", "fallback_envs": ["OLD"], "user_key": "uid"}, FlaskSession),
    "pyramid-session": (
        {"secret_env": "SECRET", "serializer": "pickle", "user_key": "auth.userid"},
        PyramidSession,
    ),
    "sql-session": (
        {
            "database": "sqlite:///x.db",
            "query": "SELECT name FROM t WHERE c = ?",
            "cookie": "sid",
            "user_key": "name",
        },
        SqlSession,
    ),
    "auth-tkt": ({"secret_env": "SECRET", "digest": "md5"}, AuthTkt),
    "login-form": (
        {
            "paths": ["/sign-in"],
            "field": "user",
            "cookies": ["sid"],
            "succeeded": ["status=302"],
            "failed": ["status=200"],
            "rehearsal": {
                "application": "wsgiref.simple_server:demo_app",
                "user": "check",
                "password_env": "SECRET",
                "fields": {"next": "/"},
            },
        },
        LoginForm,
    ),
    "response-header": (
        {"header": "X-User", "paths": ["/in"], "cookies": ["sid"], "statuses": [302], "secret_env": "SECRET"},
        ResponseHeader,
    ),
    "chain": ({"of": [{"kind": "remote-user"}, {"kind": "auth-tkt", "secret_env": "SECRET"}]}, Chain),
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("SECRET", "a secret of the portal in tests")
    monkeypatch.setenv("OLD", "its secret of last year in tests")


#: Those that need their framework are made in the tests below.
OF_FRAMEWORKS = {"beaker-session", "django-session", "flask-app"}


def test_every_kind_is_tried():
    assert set(LEGAL) | OF_FRAMEWORKS == set(ADAPTERS)


def test_a_session_of_beaker_is_told_its_options():
    pytest.importorskip("beaker.session")
    table = {"kind": "beaker-session", "options": {"type": "memory", "key": "sid"}, "user_key": "user"}
    adapter = adapter_from({**table, "secret_env": "SECRET"})
    assert isinstance(adapter, BeakerSession)
    assert adapter.credentials.cookies == ("sid",)
    assert adapter.selftest() == []


def test_an_application_of_flask_is_imported(monkeypatch):
    flask = pytest.importorskip("flask")
    module = ModuleType("portal_in_tests")
    module.app = flask.Flask("portal")
    module.make_app = lambda: module.app
    monkeypatch.setitem(sys.modules, "portal_in_tests", module)
    adapter = adapter_from({"kind": "flask-app", "app": "portal_in_tests:app", "user_key": "user"})
    assert isinstance(adapter, FlaskApp)
    with pytest.raises(ConfigurationError, match="not a factory"):
        adapter_from({"kind": "flask-app", "app": "portal_in_tests:make_app"})


def test_a_project_of_django_is_its_own_configuration(django_project, tmp_path):
    with django_project.using("db", tmp_path):
        assert isinstance(adapter_from({"kind": "django-session"}), DjangoSession)


def test_another_database_is_connected_to_by_a_function():
    table = {"kind": "sql-session", "query": "SELECT 1", "cookie": "sid", "user_key": "1"}
    assert isinstance(adapter_from({**table, "connect": "sqlite3:connect"}), SqlSession)
    with pytest.raises(ConfigurationError, match="only one of them"):
        adapter_from({**table, "connect": "sqlite3:connect", "database": "sqlite:///x.db"})
    with pytest.raises(ConfigurationError, match="is needed"):
        adapter_from(table)


@pytest.mark.parametrize("kind", LEGAL)
def test_a_kind_makes_its_adapter(kind):
    settings, adapter = LEGAL[kind]
    assert isinstance(adapter_from({"kind": kind, **settings}), adapter)


def test_a_password_file_is_named_by_its_path(tmp_path):
    path = tmp_path / "htpasswd"
    path.write_text("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n")
    adapter = adapter_from({"kind": "http-basic", "htpasswd": str(path)})
    assert adapter.identify({"HTTP_AUTHORIZATION": "Basic YWxpY2U6cGFzc3dvcmQ="}).user == "alice"


def test_a_header_of_a_proxy_needs_no_secret():
    assert isinstance(
        adapter_from({"kind": "trusted-header", "header": "X-User", "peers": ["10.0.0.5"]}), TrustedHeader
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "identity.kind is missing: legal are remote-user, "),
        ({"kind": "remote_user"}, "identity.kind is 'remote_user': legal are remote-user, "),
        ({"kind": "remote-user", "alias": True}, 'identity.alias is no setting: .*; did you mean "aliases"'),
        ({"kind": "remote-user", "aliases": "yes"}, "identity.aliases is 'yes': legal is true or false"),
        ({"kind": "remote-user", "secret_env": "SECRET"}, "identity.secret_env is no setting"),
        ({"kind": "trusted-header", "peers": ["10.0.0.5"]}, "identity.header is missing: text is needed"),
        (
            {"kind": "trusted-header", "header": "X-User", "peers": ["*"]},
            r"peers has '\*': legal are addresses",
        ),
        ({"kind": "http-basic"}, "identity.htpasswd or identity.checker is needed, and only one of them"),
        (
            {"kind": "http-basic", "checker": "operator"},
            "identity.checker is 'operator': legal is MODULE:NAME",
        ),
        ({"kind": "http-basic", "htpasswd": "/nowhere"}, "/nowhere: "),
        ({"kind": "environ-key"}, "identity.key is missing"),
        ({"kind": "auth-tkt"}, "identity.secret_env is missing: the name of the environment variable"),
        ({"kind": "auth-tkt", "secret_env": "UNSET_HERE"}, "the environment variable UNSET_HERE is not set"),
        ({"kind": "login-form", "field": "user"}, "identity.paths is missing: a list of texts is needed"),
        (
            {"kind": "login-form", **LEGAL["login-form"][0], "rehearsal": {"user": "check"}},
            "identity.rehearsal.application is missing: MODULE:NAME is needed",
        ),
        (
            {"kind": "response-header", **LEGAL["response-header"][0], "statuses": ["302"]},
            "identity.statuses is .*: legal is a list of whole numbers",
        ),
        ({"kind": "chain", "of": [{"kind": "remote-user"}]}, "two adapters or more"),
        ({"kind": "chain", "of": ["remote-user"]}, "identity.of is .*: legal is a list of tables"),
        ({"kind": "chain", "of": [{"kind": "none"}, {"kind": "none"}]}, "identity.kind is 'none'"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_legal(table, said):
    with pytest.raises(ConfigurationError, match=said):
        adapter_from(table)
