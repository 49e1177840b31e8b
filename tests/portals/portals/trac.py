"""Trac with the AccountManager: a token in a cookie, looked up in Trac's own database."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from client import Answer, Client, fields_of
from story import Portal

PASSWORD = "correct horse battery"
DATA = bytes(range(256)) * 800


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    from trac.web.main import dispatch_request

    from wsgi_mfa import LoginForm, SqlSession

    env = place / "env"
    _set_up(env)
    for at in ("", "/trac"):

        def trac(environ, start_response):
            environ["trac.env_path"] = str(env)
            return dispatch_request(environ, start_response)

        table = SqlSession(
            f"sqlite:///{env / 'db' / 'trac.db'}",
            "SELECT name FROM auth_cookie WHERE cookie = ?",
            cookie="trac_auth",
            user_key="name",
        )
        yield f"by its table at {at or '/'}", _portal(trac, table, at, renews_sessions=True), "by_form"
    form = LoginForm(
        "/login",
        "username",
        cookies=["trac_auth"],
        succeeded=["status=303", "cookie=trac_auth"],
        failed=["status=200"],
    )
    yield "by its form alone", _portal(trac, form, ""), "by_form"


def _portal(application, identity, at: str, **settings) -> Portal:
    def sign_in(browser: Client, password: str) -> Answer:
        fields = fields_of(browser.get(f"{at}/login"))
        sent = {
            "username": "root",
            "password": password,
            "__FORM_TOKEN": fields["__FORM_TOKEN"],
            "referer": "",
        }
        return browser.post(f"{at}/login", sent)

    def sign_out(browser: Client) -> None:
        token = fields_of(browser.get(f"{at}/about"))["__FORM_TOKEN"]
        browser.post(f"{at}/logout", {"__FORM_TOKEN": token})

    def change(browser: Client) -> bool:
        fields = fields_of(browser.get(f"{at}/wiki/Page{len(at)}?action=edit"))
        text = {"action": "edit", "version": fields.get("version", "0"), "text": "a change", "save": "Submit"}
        browser.post(f"{at}/wiki/Page{len(at)}", {**text, "__FORM_TOKEN": fields["__FORM_TOKEN"]})
        return "a change" in browser.get(f"{at}/wiki/Page{len(at)}").text

    def upload(browser: Client) -> bool:
        token = fields_of(browser.get(f"{at}/attachment/wiki/WikiStart?action=new"))["__FORM_TOKEN"]
        words = {"action": "new", "realm": "wiki", "id": "WikiStart", "__FORM_TOKEN": token}
        file = ("attachment", "up.bin", DATA)
        answer = browser.upload(f"{at}/attachment/wiki/WikiStart/?action=new", list(words.items()), file)
        return answer.status == 303

    return Portal(
        application=application,
        identity=identity,
        directory=_person,
        user="root",
        password=PASSWORD,
        page=f"{at}/about",
        shown=lambda answer: "logged in as" in answer.text,
        sign_in=sign_in,
        sign_out=sign_out,
        change=change,
        upload=upload,
        download=(f"{at}/raw-attachment/wiki/WikiStart/up.bin", DATA),
        static=f"{at}/chrome/common/css/trac.css",
        script_name=at,
        settings=settings,
    )


def _person(user: str):
    from wsgi_mfa import Person

    return Person(name=user, email="root@example.com")


def _set_up(env: Path) -> None:
    admin = Path(sys.executable).parent / "trac-admin"

    def run(*arguments: str) -> None:
        subprocess.run([admin, env, *arguments], check=True, capture_output=True)

    run("initenv", "demo", "sqlite:db/trac.db")
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
    (env / "htpasswd").write_text(f"root:{{SHA}}{digest}\n")
    config = env / "conf" / "trac.ini"
    config.write_text(
        config.read_text()
        + f"""
[components]
acct_mgr.admin.* = enabled
acct_mgr.api.* = enabled
acct_mgr.db.* = enabled
acct_mgr.htfile.HtPasswdStore = enabled
acct_mgr.pwhash.* = enabled
acct_mgr.web_ui.LoginModule = enabled
trac.web.auth.LoginModule = disabled

[account-manager]
password_store = HtPasswdStore
htpasswd_file = {env / "htpasswd"}
htpasswd_hash_type = sha
persistent_sessions = false
auth_init = false
"""
    )
    run("permission", "add", "root", "TRAC_ADMIN")
    run("permission", "remove", "anonymous", "WIKI_VIEW", "FILE_VIEW")
    run("upgrade", "--no-backup")
