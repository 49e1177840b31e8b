"""MoinMoin 2, which signs a user in at every URL and carries the request out at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

from client import Answer, Client, fields_of
from story import Portal

SECRET, USER, PASSWORD = "the secret of a portal in tests, and more", "Erika", "correct horse battery"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    moin = Path(sys.executable).parent / "moin"

    def run(*words: str | Path) -> None:
        subprocess.run([moin, *words], check=True, capture_output=True, cwd=place / "wiki")

    subprocess.run([moin, "create-instance", "--path", place / "wiki"], check=True, capture_output=True)
    os.chdir(place / "wiki")
    config = Path("wikiconfig.py")
    config.write_text(config.read_text() + f"\nSECRET_KEY = {SECRET!r}\n")
    run("index-create")
    run("account-create", "--name", USER, "--email", "erika@example.com", "--password", PASSWORD)
    from moin.app import create_app

    from wsgi_mfa import FlaskSession

    application = create_app(str(Path("wikiconfig.py").resolve()))
    identity = FlaskSession(SECRET, user_key="user.itemid")
    yield "by its cookie", _portal(application, identity), "by_form"


def _portal(application, identity) -> Portal:
    from wsgi_mfa import Person

    page = "/+usersettings"
    typed = {"login_username": USER, "login_password": PASSWORD, "login_submit": "1"}

    def shown(answer: Answer) -> bool:
        return answer.status == 200 and "/+logout" in answer.text

    def sign_in(browser: Client, password: str) -> Answer:
        form = {**fields_of(browser.get("/+login")), **typed}
        return browser.post("/+login", {**form, "login_password": password})

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        """A sign-in at any page answers with that page, as its user, and has been carried out by then."""
        yield "a sign-in at another page", shown(new().post(page, typed))
        yield "a sign-in in the query", shown(new().get(f"{page}?{urlencode(typed)}"))
        fields = list(typed.items())
        yield "a form of the other kind", shown(new().upload(page, fields, ("x", "x.txt", b"")))
        half = new().post(f"{page}?login_username={USER}", {**typed, "login_username": ""})
        yield "one half in the query", shown(half)

    def forms(browser: Client) -> Iterator[tuple[str, bool]]:
        new = {"password_current": PASSWORD, "password1": PASSWORD, "password2": PASSWORD}
        shape = {"usersettings_password_password_current": PASSWORD, **new, "part": "password"}
        answer = browser.post(page, {**fields_of(browser.get(page)), **shape})
        yield "a change of the password", answer.status in (200, 302)
        yield "a confirmation of the password", shown(browser.post(page, typed))

    return Portal(
        application=application,
        identity=identity,
        # Its sessions hold ids; users type names.
        directory=lambda _: Person(name=USER, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page=page,
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.get("/+logout?logout_submit=1"),
        static="/static/js/common.js",
        attacks=attacks,
        forms=forms,
        settings={"sign_in_fields": "moinmoin-2", "sign_in_paths": ["/+login"]},
    )
