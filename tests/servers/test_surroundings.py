"""Two portals of one host behind nginx, Caddy, Traefik and Apache, with the very files of docs/surroundings.md."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys

import pytest

SETTINGS = """
issuer = "Example House"
store = "sqlite:///{folder}/mfa.db"
url = "https://localhost:{port}/{name}"
scheme_from = "X-Forwarded-Proto"

[identity]
kind = "flask-session"
user_key = "user"
secret_env = "PORTAL_SECRET"
cookie = "{name}_session"

[policy]
trusted_peers = ["127.0.0.1"]
"""
APACHE = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
DefaultRuntimeDir {folder}
Mutex file:{folder}
{modules}
{user}
{server}
"""
APACHE_MODULES = ["mpm_event", "authz_core", "headers", "proxy", "proxy_http", "socache_shmcb", "ssl"]
PROGRAMS = {"apache": "apache2"}
PORTALS = ("trac", "wiki")

pytestmark = pytest.mark.requirement("D48", "D49")


@pytest.fixture(scope="module")
def documented(root):
    """``documented("nginx")``: the last configuration in that language in docs/surroundings.md."""
    text = (root / "docs" / "surroundings.md").read_text(encoding="utf-8")
    return lambda language: re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[-1]


@pytest.fixture(scope="module", params=["nginx", "caddy", "yaml", "apache"])
def house(request, require_tool, documented, certificate, place, launch, new_port, front_command):
    """The port of each front in turn, and the settings of the two portals behind it."""
    kind = {"yaml": "traefik"}.get(request.param, request.param)
    program = require_tool(PROGRAMS.get(kind, kind))
    folder, port = place(), new_port()
    ports = {name: new_port() for name in PORTALS}
    configs = {name: folder / f"{name}.toml" for name in PORTALS}
    for name, config in configs.items():
        config.write_text(SETTINGS.format(folder=folder, port=port, name=name))
        command = [sys.executable, "-m", "wsgi_mfa", "serve", "surroundings_portal:application"]
        command += ["--config", str(config), "--port", str(ports[name])]
        launch(command, ports[name], folder, PORTAL_NAME=name)
    server = documented(request.param)
    for written, real in (
        ("/etc/ssl/intranet.pem", f"{certificate}/portal.pem"),
        ("/etc/ssl/intranet.key", f"{certificate}/portal.key"),
        ("127.0.0.1:8001", f"127.0.0.1:{ports['trac']}"),
        ("127.0.0.1:8002", f"127.0.0.1:{ports['wiki']}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("*:443", f"127.0.0.1:{port}"),
        ("intranet.example.com {", f"https://localhost:{port} {{"),
        ("intranet.example.com", "localhost"),
    ):
        server = server.replace(written, real)
    if kind == "apache":
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        modules = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES
        )
        file = folder / "front.conf"
        file.write_text(APACHE.format(folder=folder, port=port, modules=modules, user=user, server=server))
        command = [program, "-f", str(file), "-DFOREGROUND"]
    else:
        command = front_command(kind, program, folder, port, server)
    launch(command, port, folder, HOME=str(folder))
    return port, configs, folder


@pytest.fixture(scope="module")
def new_browser(house, certificate, browser_at, until_it_answers):
    port, _, _ = house
    until_it_answers(port, certificate)
    context = ssl.create_default_context(cafile=str(certificate / "portal.pem"))
    return lambda: browser_at(port, context)


def test_check_finds_the_front_in_order(house, new_browser, certificate):
    port, configs, folder = house
    for name, config in configs.items():
        done = subprocess.run(
            [
                *(sys.executable, "-m", "wsgi_mfa", "check", "--config", str(config)),
                *("--through", f"https://localhost:{port}/{name}/"),
            ],
            env={
                **os.environ,
                "SSL_CERT_FILE": str(certificate / "portal.pem"),
                "PORTAL_SECRET": "the secret of a portal behind servers",
                "WSGI_MFA_KEYS": (folder / "keys").read_text().strip(),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "ok       through:" in done.stdout, done.stdout + done.stderr


def test_a_user_goes_to_and_fro_between_the_portals_all_day(new_browser, code_at):
    browser, keys = new_browser(), {}
    for name in PORTALS:
        browser.post_form(f"/{name}/sign-in", username="ann")
        if not keys:
            rejected = browser.as_program("GET", f"/{name}/")
            assert rejected.json["page"].startswith(f"/{name}/mfa/enroll")
            keys[name] = browser.as_program("GET", f"/{name}/mfa/enroll").json["key"]
            enrolled = browser.as_program("POST", f"/{name}/mfa/enroll", code=code_at(keys[name], steps=-1))
            assert enrolled.json["outcome"] == "must_save_recovery_code"
            browser.as_program("POST", f"/{name}/mfa/recovery-code", saved=True)
        else:
            # One store for the house: the same key, and the next code of it.
            verified = browser.as_program("POST", f"/{name}/mfa/verify", code=code_at(keys["trac"]))
            assert verified.json["outcome"] == "signed_in", verified.body
    for _ in range(5):
        for name in PORTALS:
            assert browser.ask("GET", f"/{name}/").text == f"{name} of ann"


def test_pages_and_ways_back_have_the_path(new_browser):
    browser = new_browser()
    browser.post_form("/wiki/sign-in", username="bob")
    led = browser.ask("GET", "/wiki/?page=2", Accept="text/html", Sec_Fetch_Dest="document")
    assert led.status in (302, 303)
    assert led.headers["Location"].startswith("/wiki/mfa/enroll?next=")
    page = browser.ask("GET", led.headers["Location"], Accept="text/html", Sec_Fetch_Dest="document")
    assert 'action="/wiki/mfa/enroll"' in page.text


def test_a_form_is_taken_without_fetch_metadata(new_browser, code_at):
    """Older browsers tell where a form comes from by Origin alone."""
    browser = new_browser()
    browser.post_form("/trac/sign-in", username="cleo")
    page = browser.ask("GET", "/trac/mfa/enroll/manual", Accept="text/html")
    found = dict(re.findall(r'name="(csrf|pending)" value="([^"]+)"', page.text))
    key = "".join(re.search(r'id="key"[^>]*>([A-Z2-7 ]+)<', page.text)[1].split())
    form = {"csrf": found["csrf"], "pending": found["pending"], "code": code_at(key)}
    typed = "&".join(f"{name}={value}" for name, value in form.items())
    sent = {"Content_Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    foreign = browser.ask("POST", "/trac/mfa/enroll/manual", typed, Origin="https://evil.example", **sent)
    assert foreign.status == 403
    own = f"https://localhost:{browser.port}"
    done = browser.ask("POST", "/trac/mfa/enroll/manual", typed, Origin=own, **sent)
    assert (done.status, done.headers["Location"].partition("?")[0]) == (303, "/trac/mfa/continue")
