"""The portal's public URL behind proxies that drop Host, tell the scheme in their own way, or strip a prefix (D48)."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa import Policy
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.web.public_url import read_public_url

ANN = {"REMOTE_USER": "ann@example.com"}
PROXY = Policy(trusted_peers=("192.0.2.1",))
URL = "https://portal.example.com"


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.WARNING, logger="wsgi_mfa")
    return caplog


def form_status(browser, origin, **settings):
    """The status of a wrong code that a browser without ``Sec-Fetch-Site`` posts from ``origin``."""
    page = browser.navigate("/mfa/enroll", **settings).page
    form = page.form("/enroll")
    return browser.post_form(
        "/mfa/enroll", {**form.fields, "code": "000000"}, headers={"Origin": origin, "Sec-Fetch-Site": None}
    ).status


# Host and Origin

HOSTS = {
    "Host handed on": ("portal.example.com", "https://portal.example.com", ()),
    "Host in capitals": ("Portal.Example.COM", "https://portal.example.com", ()),
    "Host with the default port": ("portal.example.com:443", "https://portal.example.com", ()),
    "nginx without proxy_set_header": ("127.0.0.1:8000", "https://portal.example.com", ("127.0.0.1:8000",)),
    "$host drops the port": ("portal.example.com", "https://portal.example.com:8443", ()),
    "a second name": ("www.example.com", "https://portal.example.com", ("www.example.com",)),
    "an IPv6 address": ("[::1]:8443", "https://[::1]:8443", ()),
}


@pytest.mark.parametrize(("host", "origin", "hosts"), HOSTS.values(), ids=HOSTS.keys())
@pytest.mark.requirement("D48", "D36")
def test_with_url_a_form_is_judged_whatever_the_proxy_does_to_the_host(
    wrapped, portal, new_browser, host, origin, hosts
):
    application = wrapped(portal, url=origin, hosts=hosts)
    browser = new_browser(application, origin=URL, environ={**ANN, "HTTP_HOST": host})
    assert form_status(browser, origin) == 422


@pytest.mark.requirement("D36", "D48")
def test_the_page_of_a_second_name_may_post_its_forms_too(wrapped, portal, new_browser):
    application = wrapped(portal, url=URL, hosts=["www.example.com"])
    browser = new_browser(application, environ={**ANN, "HTTP_HOST": "www.example.com"})
    assert form_status(browser, "https://www.example.com") == 422


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://portal.example.com.evil.example", "http://portal.example.com", "null"],
)
@pytest.mark.requirement("D36", "D48")
def test_another_origin_is_rejected_with_both_values_in_the_log_once(
    wrapped, portal, new_browser, log, origin
):
    browser = new_browser(wrapped(portal, url=URL), origin=URL, environ=ANN)
    assert form_status(browser, origin) == 403
    assert form_status(browser, origin) == 403
    lines = [record.getMessage() for record in log.records]
    assert len(lines) == 1
    assert f"its Origin is {origin!r} and its Host 'portal.example.com'" in lines[0]
    assert "set url to it" in lines[0]


@pytest.mark.requirement("D48")
def test_without_url_a_form_that_the_proxy_made_foreign_is_told_to_the_operator(
    wrapped, portal, new_browser, log
):
    browser = new_browser(wrapped(portal), environ={**ANN, "HTTP_HOST": "127.0.0.1:8000"})
    assert form_status(browser, URL) == 403
    assert "its Origin is 'https://portal.example.com' and its Host '127.0.0.1:8000'" in log.text


@pytest.mark.parametrize(
    "host", ["evil.example", "portal.example.com:8443", "10.0.0.1", "a" * 5000, "", " ", "ä"]
)
@pytest.mark.requirement("D48")
def test_another_host_gets_421_before_the_application_and_one_line_in_the_log(
    wrapped, portal, new_browser, log, host
):
    browser = new_browser(
        wrapped(portal, url=URL + "/wiki"), environ={"HTTP_HOST": host, "SERVER_NAME": "10.0.0.1"}
    )
    for _ in range(2):
        answer = browser.navigate("/orders")
        assert answer.status == 421
        assert 'href="https://portal.example.com/wiki/"' in answer.text
    assert browser.get_json("/orders").problem == "misdirected"
    assert portal.calls == []
    assert not answer.set_cookies
    lines = [record.getMessage() for record in log.records]
    assert len(lines) == 1
    assert "add it to hosts" in lines[0]
    assert len(lines[0]) < 600


@pytest.mark.requirement("D48")
def test_invented_hosts_cannot_fill_the_log(wrapped, portal, new_browser, log):
    browser = new_browser(wrapped(portal, url=URL))
    for number in range(300):
        browser.request("GET", "/", environ={"HTTP_HOST": f"invented{number}.example"})
    assert len(log.records) == 100


@pytest.mark.requirement("D48")
def test_exempt_paths_are_not_answered_under_another_host(wrapped, portal, new_browser):
    application = wrapped(portal, url=URL, policy=Policy(exempt_paths=("/static",)))
    answer = new_browser(application).request("GET", "/static/a.css", environ={"HTTP_HOST": "evil.example"})
    assert answer.status == 421
    assert portal.calls == []


# A stripped prefix


def stripping(application):
    """A front that takes ``/wiki`` from the path and tells nobody."""

    def front(environ, start_response):
        assert environ["PATH_INFO"].startswith("/wiki/")
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/wiki")
        return application(environ, start_response)

    return front


@pytest.mark.requirement("D48", "R74")
def test_behind_a_proxy_that_strips_a_prefix_a_user_enrolls_and_comes_back(
    wrapped, portal, new_browser, phone_of
):
    application = stripping(wrapped(portal, url=URL + "/wiki"))
    browser = new_browser(application, origin=URL, environ=ANN)
    browser.enroll("/wiki/orders?open=1", phone_of)
    done = browser.navigate("/wiki/mfa/continue").page
    assert done.outcome == "signed_in"
    assert browser.navigate("/wiki/orders?open=1").text == "welcome to /orders"


@pytest.mark.requirement("D48", "R74")
def test_behind_such_a_proxy_the_way_back_has_the_prefix(wrapped, portal, new_browser, phone_of, clock):
    application = stripping(wrapped(portal, url=URL + "/wiki"))
    browser = new_browser(application, origin=URL, environ=ANN)
    phone = browser.enroll("/wiki/", phone_of)
    browser.cookies = {name: value for name, value in browser.cookies.items() if "session" not in name}
    clock.wait_for_step()
    assert "/wiki/orders?open=1" in browser.enter_code("/wiki/orders?open=1", phone).page.refresh


# The scheme

TOLD = {
    "https": ("X-Forwarded-Proto", "https", None, True),
    "capitals": ("X-Forwarded-Proto", "HTTPS", None, True),
    "on": ("X-Forwarded-Ssl", "on", None, True),
    "two proxies": ("X-Forwarded-Proto", "https, https", None, True),
    "two proxies without a space": ("X-Forwarded-Proto", "https,https", None, True),
    "the second one speaks http": ("X-Forwarded-Proto", "https,http", None, False),
    "and two are told of": ("X-Forwarded-Proto", "https,http", 2, True),
    "a client prepends one": ("X-Forwarded-Proto", "https, http", 1, False),
    "a client prepends one before two": ("X-Forwarded-Proto", "https, http, http", 2, False),
    "fewer entries than proxies": ("X-Forwarded-Proto", "http", 2, False),
    "http": ("X-Forwarded-Proto", "http", None, False),
    "off": ("X-Forwarded-Ssl", "off", None, False),
    "empty": ("X-Forwarded-Proto", "", None, False),
    "an empty entry": ("X-Forwarded-Proto", "https,", None, False),
    "a word that begins so": ("X-Forwarded-Proto", "httpss", None, False),
    "a number": ("X-Forwarded-Ssl", "1", None, False),
    "Forwarded": ("Forwarded", "for=192.0.2.60;proto=https;by=203.0.113.43", None, True),
    "Forwarded, quoted and in capitals": ("Forwarded", 'For="[2001:db8::1]"; Proto="HTTPS"', None, True),
    "Forwarded twice": ("Forwarded", "proto=https;for=a, for=b;proto=https", None, True),
    "Forwarded without a scheme": ("Forwarded", "for=192.0.2.60", None, False),
    "Forwarded whose second has none": ("Forwarded", "proto=https, for=b", None, False),
    "Forwarded by on": ("Forwarded", "proto=on", None, False),
    "Forwarded inside a value": ("Forwarded", 'for="proto=https"', None, False),
}


@pytest.mark.parametrize(("header", "value", "proxies", "is_https"), TOLD.values(), ids=TOLD.keys())
@pytest.mark.requirement("D48", "D35")
def test_the_words_of_proxies_for_https(wrapped, portal, new_browser, log, header, value, proxies, is_https):
    application = wrapped(portal, scheme_from=header, proxy_count=proxies)
    browser = new_browser(application, origin="http://portal.example.com", environ=ANN)
    answer = browser.navigate("/mfa/enroll", headers={header: value})
    assert answer.status == (200 if is_https else 403)
    told = f"scheme_from is {header}, and that header says {value!r}, which does not count as https"
    assert (told in log.text) is not is_https
    browser.navigate("/mfa/enroll", headers={header: value})
    assert len(log.records) == (0 if is_https else 1)


@given(
    st.lists(st.sampled_from(["https", "http", "HTTPS", "on", "", "x"]), min_size=1, max_size=5),
    st.integers(1, 4),
)
@pytest.mark.requirement("D48")
def test_what_a_client_prepends_makes_no_request_https(entries, proxy_count):
    public = read_public_url(plain_http=False, scheme_from="X-Scheme", proxy_count=proxy_count)
    bare = {"HTTP_X_SCHEME": ",".join(entries)}
    prepended = {"HTTP_X_SCHEME": ",".join(["https", *entries])}
    if len(entries) >= proxy_count and not public.is_https(bare):
        assert not public.is_https(prepended)


@pytest.mark.requirement("D48")
def test_a_missing_header_is_named_in_the_log(wrapped, portal, new_browser, log):
    browser = new_browser(
        wrapped(portal, scheme_from="X-Forwarded-Proto"), origin="http://portal.example.com"
    )
    assert browser.navigate("/mfa/enroll").status == 403
    assert "scheme_from is X-Forwarded-Proto, and that header is missing" in log.text


@pytest.mark.requirement("D48")
def test_only_listed_peers_tell_the_scheme_if_peers_are_listed(wrapped, portal, new_browser, log):
    application = wrapped(portal, scheme_from="X-Forwarded-Proto", policy=PROXY)
    browser = new_browser(application, origin="http://portal.example.com", environ=ANN)
    https = {"X-Forwarded-Proto": "https"}
    assert browser.navigate("/mfa/enroll", headers=https).status == 200
    answer = browser.navigate("/mfa/enroll", headers=https, environ={"REMOTE_ADDR": "198.51.100.9"})
    assert answer.status == 403
    assert "it came from '198.51.100.9', which policy.trusted_peers does not list" in log.text


@pytest.mark.parametrize(("peer", "status"), [("192.0.2.1", 200), ("198.51.100.9", 403), ("", 403)])
@pytest.mark.requirement("D48", "D35")
def test_tls_in_front_makes_https_of_what_listed_peers_send(wrapped, portal, new_browser, peer, status):
    application = wrapped(portal, tls_in_front=True, policy=PROXY)
    browser = new_browser(
        application, origin="http://portal.example.com", environ={**ANN, "REMOTE_ADDR": peer}
    )
    assert browser.navigate("/mfa/enroll").status == status


@pytest.mark.requirement("D48", "R57")
def test_a_socket_of_the_file_system_can_be_listed(wrapped, portal, new_browser):
    application = wrapped(portal, tls_in_front=True, policy=Policy(trusted_peers=("unix",)))
    browser = new_browser(application, origin="http://portal.example.com", environ={**ANN, "REMOTE_ADDR": ""})
    assert browser.navigate("/mfa/enroll").status == 200
    assert browser.navigate("/mfa/enroll", environ={"REMOTE_ADDR": "192.0.2.1"}).status == 403


@pytest.mark.requirement("D35", "D48")
def test_a_public_url_of_https_makes_no_https_of_plain_http(wrapped, portal, new_browser):
    browser = new_browser(wrapped(portal, url=URL), origin="http://portal.example.com", environ=ANN)
    assert browser.navigate("/mfa/enroll").status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "shop.localhost", "[::1]:8000"])
@pytest.mark.requirement("D48", "D35")
def test_on_the_own_machine_page_and_log_name_the_setting(wrapped, portal, new_browser, log, host):
    browser = new_browser(wrapped(portal), origin=f"http://{host}", environ=ANN)
    answer = browser.navigate("/mfa/enroll")
    assert answer.status == 403
    assert "plain_http=True" in answer.page.words
    assert f"plain http for Host '{host}'" in log.text
    assert "plain_http=True (serve: --plain-http)" in log.text


@pytest.mark.requirement("D48", "D35")
def test_elsewhere_the_log_alone_names_the_settings_for_a_proxy(wrapped, portal, new_browser, log):
    browser = new_browser(wrapped(portal), origin="http://portal.example.com", environ=ANN)
    answer = browser.navigate("/mfa/enroll")
    assert "plain_http" not in answer.page.words
    assert "set scheme_from to the header in which it tells so" in log.text


# Settings

WRONG = {
    "plain http": ({"url": "http://portal.example.com"}, "url is 'http://portal.example.com': legal is https://HOST"),
    "no scheme": ({"url": "portal.example.com"}, "url is"),
    "no host": ({"url": "https:///wiki"}, "url is"),
    "a password": ({"url": "https://me:secret@portal.example.com"}, "url is"),
    "a query": ({"url": "https://portal.example.com/?a=1"}, "url is"),
    "a fragment": ({"url": "https://portal.example.com/#a"}, "url is"),
    "two slashes": ({"url": "https://portal.example.com//wiki"}, "url is"),
    "dots": ({"url": "https://portal.example.com/../wiki"}, "url is"),
    "a broken address": ({"url": "https://[::1"}, "url is"),
    "a control character": ({"url": "https://portal.example.com/a\nb"}, "url is"),
    "hosts without url": ({"hosts": ["a.example"]}, "hosts is given without url"),
    "one text for hosts": ({"url": URL, "hosts": "a.example"}, "hosts is 'a.example': legal is a list"),
    "a URL as a host": ({"url": URL, "hosts": ["https://a.example"]}, "hosts has 'https://a.example'"),
    "a star as a host": ({"url": URL, "hosts": ["*"]}, r"hosts has '\*'"),
    "a header with its value": ({"scheme_from": "X-Forwarded-Proto: https"}, "legal is the name of a header"),
    "an empty header": ({"scheme_from": ""}, "scheme_from is ''"),
    "two ways": ({"scheme_from": "X-A", "tls_in_front": True, "policy": PROXY}, "tls_in_front is given with scheme"),
    "tls and plain http": ({"plain_http": True, "tls_in_front": True, "policy": PROXY}, "given with plain_http"),
    "tls from everywhere": ({"tls_in_front": True}, "tls_in_front is given without policy.trusted_peers"),
    "no proxies": ({"scheme_from": "X-A", "proxy_count": 0}, "proxy_count is 0: legal is 1 to 10"),
    "true proxies": ({"scheme_from": "X-A", "proxy_count": True}, "proxy_count is True"),
    "proxies without a header": ({"proxy_count": 2}, "only with scheme_from"),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.requirement("D48")
def test_a_wrong_setting_is_an_error_of_the_start(wrapped, portal, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        wrapped(portal, **settings)


# A browser that keeps no cookies


@pytest.mark.requirement("D48")
def test_a_form_without_our_cookie_says_that_the_browser_keeps_none(wrapped, portal, new_browser):
    browser = new_browser(wrapped(portal), environ=ANN)
    form = browser.navigate("/mfa/enroll").page.form("/enroll")
    browser.cookies.clear()
    answer = browser.post_form("/mfa/enroll", {**form.fields, "code": "000000"})
    assert answer.status == 403
    assert answer.page.outcome == "cookies_refused"
    assert "did not send back the cookie" in answer.page.words
