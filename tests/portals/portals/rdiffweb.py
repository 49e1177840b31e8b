"""rdiffweb on CherryPy: sessions in a database, tokens and passwords by HTTP Basic for its API."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Answer, Client, fields_of
from story import Portal

USER, PASSWORD = "admin", "correct horse battery 42"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    import cherrypy
    from rdiffweb.rdw_app import RdiffwebApp

    from wsgi_mfa import LoginForm

    settings = [
        f"database-uri=sqlite:///{place / 'rdiffweb.db'}",
        f"admin-user={USER}",
        f"admin-password={PASSWORD}",
        "rate-limit=-1",
        "external-url=https://portal.example",
    ]
    config = RdiffwebApp.parse_args(args=[], config_file_contents="\n".join(settings))
    application = RdiffwebApp(config)
    cherrypy.config.update({"engine.autoreload.on": False, "log.screen": False})
    cherrypy.tree.mount(application, "", application.config)
    cherrypy.server.unsubscribe()
    cherrypy.engine.start()
    form = LoginForm(
        "/login/",
        "login",
        cookies=["session_id"],
        succeeded=["status=303"],
        failed=["status=200"],
        sign_out=["/logout/"],
    )
    yield "by its form alone", _portal(cherrypy.tree, form), "by_form"


def _portal(application, identity) -> Portal:
    from wsgi_mfa import Person

    page = "/admin/users/"

    def shown(answer: Answer) -> bool:
        return answer.status == 200 and "Create user" in answer.text

    def sign_in(browser: Client, password: str) -> Answer:
        fields = fields_of(browser.get("/login/"))
        return browser.post("/login/", {**fields, "login": USER, "password": password})

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        answer = new().request("GET", "/api/currentuser", headers={"Authorization": f"Basic {basic}"})
        yield "HTTP Basic at the API", USER in answer.text

    return Portal(
        application=application,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page=page,
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.post("/logout/", fields_of(browser.get(page))),
        static="/robots.txt",
        attacks=attacks,
        settings={"sign_in_fields": [["login", "password"]]},
    )
