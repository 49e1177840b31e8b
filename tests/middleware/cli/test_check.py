"""``check`` tells of sealing, and ``check --sign-in`` plays a sign-in in process and through the gateway's upstream."""

from __future__ import annotations

import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from legacy_portals import DEMO_USERS, make_portal
from wsgi_mfa import KeyRing, SqliteStore
from wsgi_mfa.configuration.build import new_identity
from wsgi_mfa.entropy import SystemEntropy

SECRET = "the secret of a portal in tests"
USER = next(iter(DEMO_USERS.values()))
MODULE = f"""
from legacy_portals import DEMO_USERS, make_portal

application = make_portal(DEMO_USERS, {SECRET!r})
"""
SIGN_IN = """
[sign_in]
path = "/sign-in"
page = "/reports"
user = "{user}"
password_env = "CHECK_PASSWORD"
"""


@pytest.fixture
def check(tmp_path, monkeypatch, run):
    """``check(*options, user_key="_user_id", top="", sign_in=SIGN_IN)``: the command on an ``mfa.toml``."""
    monkeypatch.setenv("PORTAL_SECRET", SECRET)
    monkeypatch.setenv("CHECK_PASSWORD", USER.password)
    monkeypatch.setenv("WSGI_MFA_KEYS", KeyRing.generate_text(SystemEntropy(), "k1"))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "portal_for_check.py").write_text(MODULE)
    SqliteStore(tmp_path / "mfa.db", create=True, new_identity=new_identity()).close()

    def command(*options, user_key="_user_id", top="", sign_in=SIGN_IN, more=""):
        path = tmp_path / "mfa.toml"
        identity = f'kind = "flask-session"\nsecret_env = "PORTAL_SECRET"\nuser_key = "{user_key}"'
        path.write_text(
            f'issuer = "Portal"\nstore = "sqlite:///{tmp_path}/mfa.db"\n{top}\n[identity]\n{identity}\n'
            + sign_in.format(user=USER.name)
            + more
        )
        return run("check", "--config", path, *options)

    return command


IN_PROCESS = 'application = "portal_for_check:application"\n'


@pytest.mark.requirement("D39")
@pytest.mark.parametrize(
    ("top", "told"),
    [
        ("", "ok       sealing: session and every cookie with HttpOnly\n"),
        (
            'unsealed_cookies = ["route"]\nseal_group = "all"\nalso_by = ["argument sid"]',
            "HttpOnly; not route; shared by the group 'all'; also taken by argument sid\n",
        ),
        ("seal_credentials = false", "clients hold session as the portal set it"),
        ('seal_credentials = "accept"', "only for the change-over of running workers"),
    ],
)
def test_it_tells_what_is_sealed_and_what_is_open(check, top, told):
    done = check(top=top)
    assert told in done.out
    assert done.code == 0


@pytest.mark.requirement("D39")
@pytest.mark.parametrize(
    ("top", "told"),
    [
        ('seal_credentials = "yes"', "seal_credentials is 'yes': legal is true, \"accept\" or false"),
        ("seal_credentials = 1", "seal_credentials is 1: legal is"),
        ('unsealed_cookies = ["session"]', "unsealed_cookies has 'session'"),
        ('also_by = ["body x"]', "also_by is"),
        ("forward_auth = true", "seal_credentials: with forward_auth"),
    ],
)
def test_a_setting_that_is_not_legal_is_one_line(check, top, told):
    done = check(top=top)
    assert done.code == 2
    assert told in done.err
    assert done.err.count("\n") == 1


@pytest.mark.requirement("D43")
def test_a_sign_in_is_played_in_process(check):
    done = check("--sign-in", more=IN_PROCESS)
    assert "ok       sign-in: the adapter sees the user whom the portal signs in\n" in done.out
    assert done.code == 0
    wrong = check("--sign-in", more=IN_PROCESS, user_key="user")
    assert "problem  sign-in: the session after a sign-in proves nothing" in wrong.out
    assert "a session without 'user' has '_user_id' and was left out: set user_key" in wrong.out
    assert wrong.code == 1


@pytest.mark.requirement("D43")
def test_a_sign_in_is_played_through_the_upstream_of_the_gateway(check):
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    with make_server("127.0.0.1", 0, make_portal(DEMO_USERS, SECRET), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            done = check("--sign-in", "--upstream", f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
    assert "ok       sign-in: the adapter sees the user whom the portal signs in\n" in done.out
    assert done.code == 0


@pytest.mark.requirement("D43")
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sign_in": ""}, "there is no table [sign_in]"),
        ({}, "sign_in.application or --upstream is needed"),
        ({"more": 'application = "portal_for_check:nothing"\n'}, "sign_in.application is"),
    ],
)
def test_what_is_missing_for_it_is_told(check, settings, told):
    done = check("--sign-in", **settings)
    assert f"problem  sign-in: {told}" in done.out
    assert done.code == 1


@pytest.mark.requirement("D43")
@pytest.mark.parametrize(
    ("sign_in", "told"),
    [
        ('[sign_in]\npath = "/sign-in"', "sign_in.page is missing"),
        (SIGN_IN + "user_field = 3\n", "sign_in.user_field is 3: legal is text"),
        (SIGN_IN + 'pasword_field = "x"\n', 'did you mean "password_field"?'),
    ],
)
def test_a_wrong_table_is_one_line(check, sign_in, told):
    done = check("--sign-in", sign_in=sign_in)
    assert done.code == 2
    assert told in done.err
