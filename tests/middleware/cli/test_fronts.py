"""``gateway``, ``forward-auth`` and what ``check`` says of them: what would not work is told before anything serves."""

from __future__ import annotations

import pytest

from wsgi_mfa import KeyRing, SqliteStore
from wsgi_mfa.configuration.build import new_identity
from wsgi_mfa.entropy import SystemEntropy

FLASK = 'kind = "flask-session"\nsecret_env = "PORTAL_SECRET"\nuser_key = "_user_id"'


@pytest.fixture
def config(tmp_path, monkeypatch, run):
    """``config(identity, top="")``: the path of an ``mfa.toml`` whose store and keys are there."""

    def write(identity: str, top: str = "", policy: str = ""):
        monkeypatch.setenv("PORTAL_SECRET", "the secret of a portal in tests")
        monkeypatch.setenv("WSGI_MFA_KEYS", KeyRing.generate_text(SystemEntropy(), "k1"))
        SqliteStore(tmp_path / "mfa.db", create=True, new_identity=new_identity()).close()
        path = tmp_path / "mfa.toml"
        path.write_text(
            f'issuer = "Portal"\nstore = "sqlite:///{tmp_path}/mfa.db"\n{top}\n'
            f"[identity]\n{identity}\n[policy]\n{policy}\n"
        )
        return path

    return write


@pytest.mark.requirement("D4")
def test_check_asks_for_paths_that_take_credentials_in_a_body(run, config):
    asked = run("check", "--config", config(FLASK))
    assert (
        "ok       undeclared_credentials: no path is closed; one that takes a password or token in its body must be"
        in asked.out
    )
    told = run("check", "--config", config(FLASK, 'undeclared_credentials = ["path /xmlrpc", "cookie stay"]'))
    assert "ok       undeclared_credentials: closed without a second factor: /xmlrpc\n" in told.out


@pytest.mark.requirement("D8")
def test_check_asks_whether_sessions_are_renewed(run, config):
    good = run(
        "check",
        "--config",
        config(FLASK, "forward_auth = true\nseal_credentials = false", 'trusted_peers = ["10.0.0.5"]'),
    )
    assert (
        "ok       forward_auth: each sign-in has a session id of its own; paths are taken from 10.0.0.5\n"
        in good.out
    )
    assert good.code == 0
    deaf = run("check", "--config", config(FLASK, "forward_auth = true\nseal_credentials = false"))
    assert "from nobody, since trusted_peers is empty" in deaf.out
    bad = run(
        "check", "--config", config('kind = "remote-user"', "forward_auth = true\nseal_credentials = false")
    )
    assert "problem  forward_auth: RemoteUser reads more than cookies" in bad.out
    assert bad.code == 1


def test_forward_auth_is_served_only_where_it_is_asked_for(run, config):
    done = run("forward-auth", "--config", config(FLASK))
    assert (done.code, done.out) == (2, "")
    assert done.err == "wsgi-mfa: forward_auth is false: set forward_auth = true in mfa.toml\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("gateway", "--upstream", "ftp://portal"), "upstream is 'ftp://portal': legal is http://HOST:PORT"),
        (("gateway", "--upstream", "http://portal/app"), "without a path"),
        (("gateway", "--upstream", "http://portal", "--timeout-seconds", "0"), "1 to 3600"),
        (("gateway",), "'--upstream'"),
        (
            ("gateway", "--upstream", "http://portal", "--plain-http", "--host", "0.0.0.0"),
            "--plain-http with --host 0.0.0.0: legal is a loopback address, such as 127.0.0.1",
        ),
        (("forward-auth", "--plain-http", "--host", "::"), "legal is a loopback address"),
    ],
)
def test_bad_options_are_told_in_one_line(run, config, command, message):
    done = run(*command, "--config", config(FLASK))
    assert (done.code, done.out) == (2, "")
    assert message.lower() in done.err.lower().replace("<=x<=", " to ")
