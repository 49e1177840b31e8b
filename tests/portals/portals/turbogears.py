"""TurboGears with repoze.who: a ticket in double quotes, a sign-in that middleware takes before the application."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from client import Answer, Client
from story import Portal

PASSWORD = "managepass"  # of the project that the quickstart makes


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    gearbox = str(Path(sys.executable).parent / "gearbox")

    def run(*command: str, at: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{at}:{os.environ.get('PYTHONPATH', '')}"}
        subprocess.run(command, check=True, capture_output=True, cwd=at, env=environment)

    run(gearbox, "quickstart", "-a", "-s", "demo", at=place)
    project = place / "demo"
    # Its entry points, without an installation.
    run(sys.executable, "-c", "import setuptools; setuptools.setup()", "egg_info", at=project)
    run(gearbox, "setup-app", "-c", "development.ini", at=project)
    sys.path.insert(0, str(project))
    os.chdir(project)
    from paste.deploy import loadapp

    from wsgi_mfa import AuthTkt, LoginForm

    application = loadapp(f"config:{project / 'development.ini'}")
    secret = re.search('cookie_secret\': "([^"]+)"', (project / "demo/config/app_cfg.py").read_text())
    yield "by its ticket", _portal(application, AuthTkt(secret[1], cookie="authtkt", digest="md5")), "by_form"
    form = LoginForm(
        ["/login", "/login_handler"],
        "login",
        cookies=["authtkt"],
        succeeded=["status=302", "cookie=authtkt"],
        failed=["status=302", "location=/login*", "cookie!=authtkt"],
        sign_out=["/logout_handler"],
    )
    yield "by its form alone", _portal(application, form), "by_form"


def _portal(application, identity) -> Portal:
    def sign_in(browser: Client, password: str) -> Answer:
        browser.get("/login")
        return browser.post("/login_handler?came_from=/demo", {"login": "manager", "password": password})

    return Portal(
        application=application,
        identity=identity,
        directory=_person,
        user="manager",
        password=PASSWORD,
        page="/demo",
        shown=lambda answer: "logout_handler" in answer.text,
        sign_in=sign_in,
        static="/css/style.css",
        sign_out=lambda browser: browser.get("/logout_handler"),
    )


def _person(user: str):
    from wsgi_mfa import Person

    return Person(name=user, email="manager@somedomain.com")
