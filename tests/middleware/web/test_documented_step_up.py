"""The snippets of docs/operating.md by which Flask and Django ask for a fresh second factor, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

USER = "user1@example.com"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "operating.md"


@pytest.fixture
def fresh_of(clock, monkeypatch):
    """``fresh_of("Flask")``: the decorator of that snippet, whose time is that of the middleware."""
    monkeypatch.setattr("time.time", lambda: clock.now() / 1_000_000)

    def made(name):
        blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        (snippet,) = (block for block in blocks if block.startswith(f"# {name}\n"))
        names: dict[str, object] = {}
        exec(snippet, names)  # noqa: S102 - our own documentation
        return names["fresh"]

    return made


@pytest.fixture
def story(wrapped, new_browser, phone_of, clock):
    """``story(application)``: its /transfer is shown, then asks, then is shown again, by GET and by POST."""

    def told(application):
        laptop = new_browser(wrapped(application), environ={"REMOTE_USER": USER})
        phone = laptop.enroll("/mfa/enroll", phone_of)
        assert laptop.navigate("/transfer").text == "transfer"
        clock.wait(300)
        program = laptop.request("GET", "/transfer", headers={"Accept": "application/json"})
        assert program.status == 401
        assert 'max_age="300"' in program.header("WWW-Authenticate")
        assert laptop.follow(laptop.post_form("/transfer", {"to": "7"})).page.outcome == "step_up_required"
        asked = laptop.open("/transfer?to=7")
        assert asked.page.outcome == "step_up_required"
        done = laptop.submit(asked, "/verify", code=phone.code())
        assert done.page.refresh == "0;url=/transfer?to=7"
        assert laptop.navigate("/transfer?to=7").text == "transfer"

    return told


@pytest.mark.requirement("R78")
def test_flask_asks_by_the_decorator_of_the_page(fresh_of, story):
    flask = pytest.importorskip("flask")
    app = flask.Flask("portal")

    @app.route("/transfer", methods=["GET", "POST"])
    @fresh_of("Flask")(300)
    def transfer():
        return "transfer"

    story(app)


@pytest.mark.requirement("R78")
def test_django_asks_by_the_decorator_of_the_page(fresh_of, story, django_project, tmp_path):
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.test import override_settings
    from django.urls import path

    view = fresh_of("Django")(300)(lambda request: HttpResponse("transfer"))

    class Urls:
        urlpatterns = (path("transfer", view),)

    with (
        django_project.using("signed_cookies", tmp_path),
        override_settings(ROOT_URLCONF=Urls, MIDDLEWARE=[]),
    ):
        story(WSGIHandler())
