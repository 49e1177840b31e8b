"""``check --through``: what a front does to requests, and the setting that each difference asks for (D48)."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wsgi_mfa import KeyRing, SqliteStore
from wsgi_mfa.configuration.build import new_identity, wrapped
from wsgi_mfa.configuration.toml_file import read_configuration
from wsgi_mfa.entropy import SystemEntropy

pytestmark = pytest.mark.requirement("D48")


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The path of a certificate for 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("front") / "front.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def check_through(run, tmp_path, monkeypatch, certificate):
    """``check_through(top, change)``: ``check`` through a front that applies ``change`` to each request."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("WSGI_MFA_KEYS", KeyRing.generate_text(SystemEntropy(), "k1"))
    SqliteStore(tmp_path / "mfa.db", create=True, new_identity=new_identity()).close()

    def call(top="", change=lambda environ: None, *, path="", policy="", served=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with make_server("127.0.0.1", 0, None, handler_class=_Quiet) as server:
            host = f"127.0.0.1:{server.server_port}"
            toml = tmp_path / "mfa.toml"
            toml.write_text(
                f'issuer = "Portal"\nstore = "sqlite:///{tmp_path}/mfa.db"\n{top.replace("HOST", host)}\n'
                f'[identity]\nkind = "remote-user"\n[policy]\n{policy}\n'
            )
            application = wrapped(_portal, read_configuration(toml)) if served else _portal

            def front(environ, start_response):
                environ["HTTP_X_FORWARDED_PROTO"] = "https"
                environ["HTTP_X_FORWARDED_FOR"] += f", {environ['REMOTE_ADDR']}"
                change(environ)
                return application(environ, start_response)

            server.set_app(front)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            serving.start()
            try:
                return run("check", "--config", toml, "--through", f"https://{host}{path}"), host
            finally:
                server.shutdown()
                serving.join()

    return call


def _portal(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"welcome"]


PROTO = 'scheme_from = "X-Forwarded-Proto"'


def test_a_front_that_is_configured_well_is_in_order(check_through):
    done, host = check_through(f'url = "https://HOST"\n{PROTO}', policy='trusted_peers = ["127.0.0.1"]')
    assert f"ok       through: what browsers send to https://{host} arrives as it should\n" in done.out
    assert done.code == 0


def _host_lost(environ):
    environ["HTTP_HOST"] = "10.0.0.5:8000"


def _scheme_lost(environ):
    del environ["HTTP_X_FORWARDED_PROTO"]


def _scheme_of_two(environ):
    environ["HTTP_X_FORWARDED_PROTO"] = "https,http"


def _prefix_stripped(environ):
    environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/wiki")


def _address_passed(environ):
    environ["HTTP_X_FORWARDED_FOR"] = environ["HTTP_X_FORWARDED_FOR"].partition(",")[0]


def _origin_lost(environ):
    del environ["HTTP_ORIGIN"]


def _cookies_cut(environ):
    environ["HTTP_COOKIE"] = environ["HTTP_COOKIE"][:1024]


FAULTS = {
    "Host is not kept": (
        PROTO, _host_lost, "", """Host arrives as '10.0.0.5:8000' in place of 'HOST': set url = "https://HOST/" and""",
    ),
    "Host is no known one": (
        f'url = "https://HOST"\n{PROTO}', _host_lost, "", "which url and hosts do not name: add it to hosts",
    ),
    "nothing is set for the scheme": ("", lambda _: None, "", 'not recognized: set scheme_from = "X-Forwarded-Proto"'),
    "nothing tells of the scheme": ("", _scheme_lost, "", "no header tells of it: have the proxy set one"),
    "the header is missing": (PROTO, _scheme_lost, "", "scheme_from is X-Forwarded-Proto, and that header is missing"),
    "the header means nothing": (PROTO, _scheme_of_two, "", "and that header says 'https,http'"),
    "a prefix is stripped": (
        PROTO, _prefix_stripped, "/wiki",
        'our pages are written as /mfa and are at /wiki/mfa for browsers: set url = "https://HOST/wiki"',
    ),
    "a client chooses its address": (PROTO, _address_passed, "", "X-Forwarded-For is taken from the client"),
    "Origin is lost": (PROTO, _origin_lost, "", "the Origin header does not arrive as it was sent"),
    "cookies are cut": (PROTO, _cookies_cut, "", "a Cookie header of 4096 bytes arrived with 1024"),
}  # fmt: skip


@pytest.mark.parametrize(("top", "change", "path", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_each_difference_names_the_setting(check_through, top, change, path, message):
    done, host = check_through(top, change, path=path, policy='trusted_peers = ["127.0.0.1"]')
    assert done.code == 1
    assert "problem  through: " in done.out
    assert message.replace("HOST", host) in done.out


def test_a_portal_without_the_middleware_is_told_of(check_through):
    done, host = check_through(PROTO, served=False)
    assert f"problem  through: https://{host}/mfa/check answered 200 and not by this middleware" in done.out


def test_no_server_is_told_of(run, tmp_path, check_through):
    check_through(PROTO)
    done = run("check", "--config", tmp_path / "mfa.toml", "--through", "https://127.0.0.1:1/")
    assert done.code == 1
    assert "problem  through: https://127.0.0.1:1/mfa/check: " in done.out


@pytest.mark.parametrize(
    "url", ["portal.example", "ftp://a.example", "https://", "https://a:b@c/", "https://[", "https://a/?b"]
)
def test_what_is_no_address_is_told_of(run, tmp_path, check_through, url):
    check_through(PROTO)
    done = run("check", "--config", tmp_path / "mfa.toml", "--through", url)
    assert f"--through is {url!r}: legal is the address that browsers use" in done.out
