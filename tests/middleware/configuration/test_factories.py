"""Applications that a factory makes, as ``gunicorn 'shop:create_app()'`` takes them."""

from __future__ import annotations

import os
import sys

import pytest

from wsgi_mfa.cli.serve import MadeInWorker
from wsgi_mfa.configuration.setting_types import imported_application, imported_or_made
from wsgi_mfa.errors import ConfigurationError

SHOP = """
made = []


def create_app(name="shop", *, debug=False):
    made.append((name, debug))

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [name.encode()]

    return application


def broken():
    raise RuntimeError("no database")


def nothing():
    return None


application = create_app()
made.clear()
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    (tmp_path / "shop_of_factories.py").write_text(SHOP)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "shop_of_factories"
    sys.modules.pop("shop_of_factories", None)


def body_of(application):
    return b"".join(application({}, lambda *_: None))


@pytest.mark.parametrize(
    ("reference", "body"),
    [
        ("application", b"shop"),
        ("create_app()", b"shop"),
        ("create_app('wiki')", b"wiki"),
        ("create_app(name='wiki', debug=True)", b"wiki"),
    ],
)
def test_an_application_is_named_or_made(shop, reference, body):
    assert body_of(imported_application(f"{shop}:{reference}", setting="MODULE:APP")) == body


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (
            "create_app",
            r"which takes environ and start_response; if it is a factory, give '.*:create_app\(\)'",
        ),
        ("broken()", r"the factory failed: RuntimeError\('no database'\)"),
        ("nothing()", r"no WSGI application, which takes environ and start_response$"),
        ("create_app(name)", "has no attribute"),
        ("create_app(open('x'))", "has no attribute"),
        ("missing()", "has no attribute 'missing'"),
        ("create_app(1, 2, 3)", "the factory failed: TypeError"),
        ("()", "has no attribute"),
    ],
)
def test_what_is_no_application_is_an_error_of_the_start(shop, reference, message):
    with pytest.raises(ConfigurationError, match=message):
        imported_application(f"{shop}:{reference}", setting="MODULE:APP")


def test_other_settings_take_factories_too(shop):
    assert body_of(imported_or_made(f"{shop}:create_app('x')", setting="identity.app")) == b"x"


def test_each_process_makes_its_own_once(shop, monkeypatch):
    application = MadeInWorker(f"{shop}:create_app()")
    made = sys.modules.get(shop)
    assert made is None
    assert [body_of(application) for _ in range(3)] == [b"shop"] * 3
    assert len(sys.modules[shop].made) == 1
    monkeypatch.setattr(os, "getpid", lambda: -1)
    body_of(application)
    assert len(sys.modules[shop].made) == 2
