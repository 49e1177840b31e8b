"""Portals on one host: labelled cookie names keep their sessions apart (D49)."""

from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from wsgi_mfa import FlaskSession, LoginForm, MemoryStore
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.stores import StoreIdentity
from wsgi_mfa.web.cookie_label import cookie_label

PLACES = st.fixed_dictionaries(
    {
        "store_id": st.sampled_from(["a" * 32, "b" * 32]),
        "mount_path": st.sampled_from(["/mfa", "/second"]),
        "url": st.sampled_from(
            [None, "https://a.example/", "https://a.example:8443/", "https://a.example/wiki/"]
        ),
        "issuer": st.sampled_from(["Trac", "Wiki"]),
        "script_name": st.sampled_from(["", "/trac", "/wiki"]),
    }
)
SECRET_KEY = "the secret of a portal in tests"
TURNS = 30
ON_ONE_HOST = {
    "by path": ("https://intranet.example", "https://intranet.example", "/trac", "/wiki"),
    "by port": ("https://intranet.example", "https://intranet.example:8443", "", ""),
}


@given(PLACES, PLACES)
@pytest.mark.requirement("D49")
def test_two_places_have_the_same_label_only_if_they_are_the_same_place(first, second):
    def relevant(place):
        parts = {**place}
        for name in ("issuer", "script_name") if place["url"] is not None else ():
            del parts[name]
        return parts

    same = cookie_label(**first) == cookie_label(**second)
    assert same == (relevant(first) == relevant(second))


@given(PLACES)
@pytest.mark.requirement("D49")
def test_a_label_has_eight_symbols_that_a_cookie_name_may_have(place):
    label = cookie_label(**place)
    assert len(label) == 8
    assert label.isascii()
    assert label.isalnum()


@pytest.mark.parametrize("shares_store", [True, False], ids=["one store for both", "a store each"])
@pytest.mark.parametrize("where", ON_ONE_HOST.values(), ids=ON_ONE_HOST.keys())
@pytest.mark.requirement("D49")
def test_two_portals_on_one_host_ask_once_each_for_a_day(
    wrapped, portal, new_browser, phone_of, clock, memory_store, where, shares_store
):
    first_origin, second_origin, first_path, second_path = where
    other_store = MemoryStore(identity=StoreIdentity(store_id="fedcba9876543210" * 2, made_at=0))
    first = wrapped(portal, issuer="Trac", cookie_label=None)
    second = wrapped(
        portal, issuer="Wiki", cookie_label=None, store=memory_store if shares_store else other_store
    )
    cookies: dict[str, str] = {}
    browsers = []
    for middleware, origin, path in ((first, first_origin, first_path), (second, second_origin, second_path)):
        application = DispatcherMiddleware(portal, {path: middleware}) if path else middleware
        browser = new_browser(
            application, origin=origin, environ={"REMOTE_USER": "ann@example.com"}, cookies=cookies
        )
        browsers.append((browser, path))
    phone = browsers[0][0].enroll(f"{first_path}/", phone_of)
    if shares_store:
        clock.wait_for_step()
        browsers[1][0].enter_code(f"{second_path}/", phone)
    else:
        browsers[1][0].enroll(f"{second_path}/", phone_of)
    for turn in range(TURNS):
        clock.wait(20 * 60)
        browser, path = browsers[turn % 2]
        assert browser.navigate(f"{path}/").status == 200


@pytest.mark.requirement("D49")
def test_no_portal_sees_the_cookies_of_another(wrapped, portal, new_browser, phone_of):
    first = new_browser(
        wrapped(portal, issuer="Trac", cookie_label=None), environ={"REMOTE_USER": "ann@example.com"}
    )
    first.enroll("/", phone_of)
    second = new_browser(
        wrapped(
            portal, issuer="Wiki", cookie_label=None, identity=FlaskSession(SECRET_KEY, user_key="_user_id")
        ),
        cookies={**first.cookies, "theme": "dark"},
    )
    assert second.navigate("/").status == 200
    assert portal.calls[-1]["HTTP_COOKIE"] == "theme=dark"


@pytest.mark.requirement("D49")
def test_the_label_can_be_set(wrapped, portal, new_browser, phone_of):
    browser = new_browser(wrapped(portal, cookie_label="wiki"), environ={"REMOTE_USER": "ann@example.com"})
    browser.enroll("/", phone_of)
    assert set(browser.cookies) == {
        f"__Host-wsgi_mfa_{name}_wiki" for name in ("browser", "session", "known")
    }


@pytest.mark.parametrize("label", ["", "a b", "a;b", "ä", "x" * 33, "a_b"])
@pytest.mark.requirement("D49")
def test_a_label_that_is_no_part_of_a_name_is_an_error_of_the_start(wrapped, portal, label):
    with pytest.raises(ConfigurationError, match=r"cookie_label is .*: legal are 1 to 32 letters and digits"):
        wrapped(portal, cookie_label=label)


@pytest.mark.requirement("D49")
def test_over_plain_http_a_portal_below_a_path_has_a_label_beside_the_port(
    wrapped, portal, new_browser, phone_of
):
    application = wrapped(portal, plain_http=True)
    browser = new_browser(
        application,
        origin="http://127.0.0.1:8000",
        script_name="/trac",
        environ={"REMOTE_USER": "ann@example.com"},
    )
    browser.enroll("/trac/", phone_of)
    assert all(
        re.match(r"wsgi_mfa_(browser|session|known)_8000_[a-z2-7]{8}$", name) for name in browser.cookies
    )
    assert browser.navigate("/trac/").status == 200


@pytest.mark.requirement("D49")
def test_a_public_url_gives_one_label_whatever_the_server_takes_for_its_path(
    wrapped, portal, new_browser, phone_of
):
    application = wrapped(portal, cookie_label=None, url="https://portal.example/trac")
    browser = new_browser(application, environ={"REMOTE_USER": "ann@example.com"})
    browser.script_name = "/trac"
    browser.enroll("/trac/", phone_of)
    assert browser.request("GET", "/trac/", environ={"SCRIPT_NAME": "/elsewhere"}).status == 200


@pytest.mark.requirement("D49")
def test_many_invented_script_names_cost_a_bounded_number_of_names(wrapped, portal, new_browser):
    application = wrapped(portal, cookie_label=None)
    browser = new_browser(application)
    for number in range(200):
        browser.request("GET", "/", environ={"SCRIPT_NAME": f"/invented{number}"})
    assert len(application._ways._made) <= 32


@pytest.mark.requirement("D2", "D49")
def test_a_store_that_was_made_again_raises_an_alert_although_it_has_another_label(
    wrapped, portal, new_browser, phone_of, caplog
):
    browser = new_browser(wrapped(portal, cookie_label=None), environ={"REMOTE_USER": "ann@example.com"})
    browser.enroll("/", phone_of)
    made_again = MemoryStore(identity=StoreIdentity(store_id="fedcba9876543210" * 2, made_at=0))
    browser.application = wrapped(portal, cookie_label=None, store=made_again)
    with caplog.at_level(logging.ERROR, logger="wsgi_mfa"):
        browser.open("/")
    assert "a browser carries a cookie of another store (01234567..., this one is fedcba98...)" in caplog.text


@pytest.mark.requirement("D49")
def test_the_cookie_of_an_observed_login_has_the_label_too(wrapped, portal):
    adapter = LoginForm("/sign-in", "name", cookies=["sid"], failed=["status=200"], succeeded=["status=302"])
    wrapped(portal, identity=adapter, cookie_label="wiki")
    assert adapter.label_cookie == "__Host-wsgi_mfa_login_wiki"
    assert "__Host-wsgi_mfa_login_wiki" in adapter.credentials.cookies
