"""Tests for legacy_portals.client_portal.views: what each URL shows, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client, EnvironBuilder

from legacy_portals.client_portal.views import URLS, safe_next

pytestmark = pytest.mark.any_python

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ANN = {"username": "Ann@example.com", "password": "correct horse"}
PRIVATE_PATHS = ["/reports", "/reports/1", "/orders", "/upload", "/download", "/download/file", "/write"]


def test_the_home_page_of_an_anonymous_visitor_is_the_sign_in_form(anonymous: Client) -> None:
    answer = anonymous.get("/", buffered=True)
    assert answer.status_code == 200
    assert '<form action="/sign-in" method="post">' in answer.text
    assert 'name="username"' in answer.text
    assert 'name="password"' in answer.text
    assert "Welcome" not in answer.text


def test_the_home_page_of_a_user_welcomes_them_by_name(signed_in: Client) -> None:
    answer = signed_in.get("/", buffered=True)
    assert "<h1>Welcome, Ann@example.com</h1>" in answer.text
    assert "visitor number 1 " in answer.text
    for path in ("/reports", "/orders", "/upload", "/download", "/download/file", "/write", "/sign-out"):
        assert f'href="{path}"' in answer.text


def test_a_sign_in_leads_home_and_stores_the_name_as_listed(anonymous: Client) -> None:
    answer = anonymous.post("/sign-in", data=ANN | {"username": " ann@EXAMPLE.com "}, buffered=True)
    assert (answer.status_code, answer.location) == (302, "/")
    assert "Welcome, Ann@example.com" in anonymous.get("/", buffered=True).text


def test_a_wrong_password_shows_the_form_again(anonymous: Client) -> None:
    form = {"username": '"><b>', "password": "wrong"}
    answer = anonymous.post("/sign-in", data=form, buffered=True)
    assert answer.status_code == 200
    assert "Wrong user name or password." in answer.text
    assert 'value="&quot;&gt;&lt;b&gt;"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_failed_sign_in_leaves_the_session_as_it_was(signed_in: Client) -> None:
    signed_in.post("/sign-in", data={"username": "desk", "password": "wrong"}, buffered=True)
    assert "Welcome, Ann@example.com" in signed_in.get("/", buffered=True).text


def test_another_user_can_sign_in_over_the_first(signed_in: Client) -> None:
    signed_in.post("/sign-in", data={"username": "desk", "password": "battery staple"}, buffered=True)
    page = signed_in.get("/", buffered=True).text
    assert "Welcome, desk" in page
    assert "<td>support</td>" in page


@pytest.mark.parametrize("sign_out", [Client.get, Client.post])
def test_signing_out_ends_the_session(signed_in: Client, sign_out: Callable[..., object]) -> None:
    sign_out(signed_in, "/sign-out", buffered=True)
    assert signed_in.get_cookie("session") is None
    assert "Welcome" not in signed_in.get("/", buffered=True).text


@pytest.mark.parametrize("path", PRIVATE_PATHS)
def test_a_private_page_leads_an_anonymous_visitor_to_the_sign_in_form(anonymous: Client, path: str) -> None:
    answer = anonymous.get(path, buffered=True)
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "/sign-in?next=" + path.replace("/", "%2F"),
    )


@pytest.mark.parametrize("path", ["/orders", "/upload"])
def test_a_private_form_leads_an_anonymous_visitor_to_the_sign_in_form(anonymous: Client, path: str) -> None:
    answer = anonymous.post(path, data={"product": "Desk lamp", "quantity": "1"}, buffered=True)
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "/sign-in?next=" + path.replace("/", "%2F"),
    )


@pytest.mark.parametrize("path", PRIVATE_PATHS)
def test_a_private_page_is_shown_to_a_user(signed_in: Client, path: str) -> None:
    assert signed_in.get(path, buffered=True).status_code == 200


def test_a_sign_in_leads_back_to_the_page_asked_for(anonymous: Client) -> None:
    location = anonymous.get("/reports/2?year=2010&sort=a%20b", buffered=True).location
    next_path = parse_qs(urlsplit(location).query)["next"][0]
    form = anonymous.get(location, buffered=True)
    assert 'name="next" value="/reports/2?year=2010&amp;sort=a%20b"' in form.text
    answer = anonymous.post("/sign-in", data=ANN | {"next": next_path}, buffered=True)
    assert answer.location == "/reports/2?year=2010&sort=a%20b"


FOREIGN = [
    "http://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/ /evil.example",
    "javascript:alert(1)",
    "reports",
    "",
]


@pytest.mark.parametrize("next_path", FOREIGN)
def test_a_sign_in_never_leads_to_another_site(anonymous: Client, next_path: str) -> None:
    answer = anonymous.post("/sign-in", data=ANN | {"next": next_path}, buffered=True)
    assert answer.headers["Location"] == "/"


@given(st.text(alphabet="/\\:.?#@ \t\r\nae", max_size=12))
def test_a_safe_next_is_a_path_of_this_site(text: str) -> None:
    path = safe_next(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert not set(path) & set(" \t\r\n\\")
    assert path in ("/", text)


def test_every_report_in_the_list_can_be_opened(signed_in: Client) -> None:
    overview = signed_in.get("/reports", buffered=True).text
    for number, title in enumerate(
        ["Sales by region", "Open invoices", "Stock on hand", "Deliveries by quarter"], start=1
    ):
        assert f'<a href="/reports/{number}">{title}</a>' in overview
        assert f"<h1>{title}</h1>" in signed_in.get(f"/reports/{number}", buffered=True).text


def test_an_order_is_placed_once_and_announced_once(signed_in: Client) -> None:
    order = {"product": "Paper, 500 sheets", "quantity": "12"}
    answer = signed_in.post("/orders", data=order, buffered=True)
    assert (answer.status_code, answer.location) == (302, "/orders")
    first, second = (signed_in.get("/orders", buffered=True).text for _ in range(2))
    assert '<p class="notice">Order 1001 was placed.</p>' in first
    assert "notice" not in second
    assert "<tr><td>1001</td><td>Paper, 500 sheets</td><td>12</td></tr>" in second


def test_a_bad_order_is_refused_with_a_reason(signed_in: Client) -> None:
    signed_in.post("/orders", data={"product": "Desk lamp", "quantity": "many"}, buffered=True)
    page = signed_in.get("/orders", buffered=True).text
    assert "The quantity must be a whole number from 1 to 999." in page
    assert "None yet." in page


def test_programs_read_the_status_as_json(signed_in: Client) -> None:
    signed_in.post("/orders", data={"product": "Desk lamp", "quantity": "1"}, buffered=True)
    answer = signed_in.get("/api/status.json", buffered=True)
    assert answer.content_type == "application/json"
    assert answer.json == {"status": "ok", "user": "Ann@example.com", "role": "user", "orders": 1}


def test_programs_without_a_session_get_401_as_json(anonymous: Client) -> None:
    answer = anonymous.get("/api/status.json", buffered=True)
    assert (answer.status_code, answer.json) == (401, {"error": "sign_in_required"})


def test_the_print_view_goes_out_through_the_write_callable(
    portal: WSGIApplication, signed_in: Client
) -> None:
    cookie = signed_in.get_cookie("session")
    assert cookie is not None
    environ = EnvironBuilder(path="/write", headers={"Cookie": f"session={cookie.value}"}).get_environ()
    written: list[bytes] = []
    returned = portal(environ, lambda _status, _headers, _exc_info=None: written.append)
    assert list(returned) == []
    assert len(written) > 20
    page = b"".join(written).decode()
    with signed_in.get("/write") as answer:
        assert page == answer.text
    assert page.count("<table") == 4
    assert page.endswith("</html>\n")


@pytest.mark.parametrize(
    "path", ["/no-such-page", "/reports/99", "/reports/", "/reports//1", "/REPORTS", "/static/"]
)
def test_an_unknown_path_is_not_found(signed_in: Client, path: str) -> None:
    answer = signed_in.get("/", environ_overrides={"PATH_INFO": path}, buffered=True)
    assert answer.status_code == 404
    assert "<h1>Not Found</h1>" in answer.text


def test_an_unknown_path_is_not_found_for_an_anonymous_visitor_too(anonymous: Client) -> None:
    assert anonymous.get("/no-such-page", buffered=True).status_code == 404


def test_a_method_that_a_page_does_not_know_is_refused(signed_in: Client) -> None:
    answer = signed_in.delete("/orders", buffered=True)
    assert answer.status_code == 405
    assert set(answer.allow) == {"GET", "HEAD", "POST"}


ALL_PATHS = sorted(
    {rule.rule.replace("<int:number>", "1") for rule in URLS.map.iter_rules()}
    - {"/sign-out", "/bank-account"}  # which is not shown by a password alone
)


@pytest.mark.parametrize("path", ALL_PATHS)
def test_head_has_the_headers_of_get_and_no_body(signed_in: Client, path: str) -> None:
    got = signed_in.get(path, buffered=True)
    head = signed_in.head(path, buffered=True)
    assert head.status_code == got.status_code == 200
    assert head.headers == got.headers
    assert head.data == b""
