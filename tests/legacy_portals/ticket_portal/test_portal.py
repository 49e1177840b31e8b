"""Tests for legacy_portals.ticket_portal: the whole application, between the two ends of `wsgiref.validate`."""

from __future__ import annotations

import hashlib
import io
import re
from html.parser import HTMLParser
from wsgiref.util import FileWrapper

import pytest
from werkzeug.test import Client, create_environ

pytestmark = pytest.mark.any_python

FORM = {"username": "Ann@example.com", "password": "correct horse"}
VOID = {"meta", "link", "input", "br"}


class Outline(HTMLParser):
    """Checks that tags nest, and notes fields without a label and ids that come twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open_tags: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open_tags.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "label":
            self.labelled.add(values["for"])
        if tag == "input" and values.get("type") not in ("hidden", "submit"):
            self.fields.add(values["id"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


def user_of(browser: Client) -> str | None:
    """Whom the portal takes the browser's owner for."""
    answer = browser.get("/api/status.json")
    assert answer.json is not None
    return answer.json.get("user")


# Signing in and out


def test_the_sign_in_starts_its_response_with_the_first_piece_of_its_body(portal):
    started: list[str] = []
    environ = create_environ("/sign-in", method="POST", data=FORM)
    body = iter(portal(environ, lambda status, headers: started.append(status)))
    assert started == []
    assert next(body).startswith(b"<?xml")
    assert started == ["302 Found"]
    assert b"You are signed in with the role" in b"".join(body)


def test_a_user_signs_in_and_out(anonymous):
    assert user_of(anonymous) is None
    answer = anonymous.post("/sign-in", data={**FORM, "next": "/reports?year=2008"})
    assert (answer.status_code, answer.location) == (302, "http://localhost/reports?year=2008")
    assert user_of(anonymous) == "Ann@example.com"
    answer = anonymous.get("/sign-out")
    assert (answer.status_code, answer.location) == (302, "http://localhost/")
    assert user_of(anonymous) is None


def test_the_ticket_is_set_and_taken_away_for_three_domains(anonymous):
    for answer in (anonymous.post("/sign-in", data=FORM), anonymous.get("/sign-out")):
        cookies = answer.headers.getlist("Set-Cookie")
        assert len({cookie.partition(";")[0] for cookie in cookies}) == 1
        domains = [re.search(r"; Domain=([^;]+)", cookie) for cookie in cookies]
        assert [domain and domain[1] for domain in domains] == [None, "localhost", ".localhost"]
    assert all('auth_tkt="INVALID"' in cookie and "Max-Age=0" in cookie for cookie in cookies)


@pytest.mark.parametrize("name", ["Ann@example.com", " ANN@EXAMPLE.COM "])
def test_case_and_outer_white_space_of_a_name_do_not_matter(anonymous, name):
    anonymous.post("/sign-in", data={**FORM, "username": name})
    assert user_of(anonymous) == "Ann@example.com"


def test_a_name_beyond_ascii_signs_in(anonymous):
    anonymous.post("/sign-in", data={"username": "zoë", "password": "battery staple"})
    assert user_of(anonymous) == "Zoë"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "Ann@example.com"},
        {"username": "Ann@example.com", "password": "battery staple"},
        {"username": "<b>nobody</b>", "password": "correct horse"},
        {"username": (io.BytesIO(b"Ann@example.com"), "a.txt"), "password": "correct horse"},
    ],
)
def test_a_wrong_name_or_password_is_told_on_the_form(anonymous, form):
    answer = anonymous.post("/sign-in", data={**form, "next": "/orders"})
    assert answer.status_code == 200
    assert "Wrong user name or password." in answer.text
    assert 'name="next" value="/orders"' in answer.text
    assert "<b>nobody" not in answer.text
    assert user_of(anonymous) is None


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example/", "/a b", "/\r\nX: y", "é"]
)
def test_nobody_is_led_to_another_site(anonymous, path):
    assert anonymous.post("/sign-in", data={**FORM, "next": path}).location == "http://localhost/"


@pytest.mark.parametrize("path", ["/reports", "/orders?placed=1", "/upload", "/download", "/nowhere"])
def test_whoever_is_not_signed_in_is_led_to_the_form_and_back(anonymous, path):
    form = anonymous.get(path, follow_redirects=True)
    assert form.request.path == "/sign-in"
    (next_path,) = re.findall('name="next" value="([^"]*)"', form.text)
    assert next_path == path
    assert anonymous.post("/sign-in", data={**FORM, "next": next_path}).location == f"http://localhost{path}"


# Pages


@pytest.mark.parametrize("path", ["/", "/sign-in", "/reports", "/reports/1", "/orders", "/upload"])
@pytest.mark.parametrize("who", ["anonymous", "signed_in"])
def test_pages_are_well_formed_and_every_field_has_a_label(request, who, path):
    outline = Outline()
    with request.getfixturevalue(who).get(path, follow_redirects=True) as page:
        outline.feed(page.text)
    outline.close()
    assert outline.open_tags == []
    assert len(outline.ids) == len(set(outline.ids)) > 0
    assert outline.fields <= outline.labelled


def test_pages_say_who_is_signed_in(signed_in):
    assert "Welcome, Ann@example.com" in signed_in.get("/").text
    assert "Welcome, Ann@example.com" in signed_in.get("/sign-in").text
    assert "Deliveries" in signed_in.get("/reports").text
    assert "250 000.00" in signed_in.get("/reports/3").text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/reports/9", 404),
        ("GET", "/%E9", 404),
        ("POST", "/reports", 405),
        ("DELETE", "/orders", 405),
    ],
)
def test_what_is_not_there_is_told(signed_in, method, path, status):
    assert signed_in.open(path, method=method).status_code == status


@pytest.mark.parametrize("who", ["anonymous", "signed_in"])
def test_a_query_that_is_not_in_utf_8_is_a_bad_request(request, who):
    path = "/orders?placed=%E9" if who == "signed_in" else "/sign-in?next=%E9"
    assert request.getfixturevalue(who).get(path).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/reports", "/download", "/static/portal.css", "/api/status.json", "/nowhere"]
)
def test_head_answers_as_get_without_a_body(signed_in, path):
    get, head = signed_in.get(path, buffered=True), signed_in.head(path, buffered=True)
    assert head.data == b""
    assert (head.status_code, head.content_type) == (get.status_code, get.content_type)


def test_orders_are_placed_and_listed_for_their_user_alone(signed_in, anonymous):
    form = {"product": "Desk <lamp>", "quantity": "3"}
    page = signed_in.post("/orders", data=form, follow_redirects=True)
    assert "Order 5001 was placed." in page.text
    assert "<td>Desk &lt;lamp&gt;</td><td>3</td>" in page.text
    anonymous.post("/sign-in", data={"username": "zoë", "password": "battery staple"})
    assert "lamp" not in anonymous.get("/orders").text
    assert signed_in.get("/api/status.json").json["orders"] == 1


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"product": "Lamp", "quantity": "0"},
        {"product": " ", "quantity": "1"},
        {"product": "Lamp", "quantity": "\u0661"},
    ],
)
def test_a_wrong_order_is_refused(signed_in, form):
    answer = signed_in.post("/orders", data=form)
    assert answer.status_code == 400
    assert "quantity from 1 to 999" in answer.text


def test_what_was_uploaded_is_what_was_counted(signed_in):
    data = bytes(range(256)) * 1500  # larger ones the client puts into a file that it leaves open
    page = signed_in.post("/upload", data={"file": (io.BytesIO(data), "<all>.bin")}).text
    assert f'<code id="byte-count">{len(data)}</code>' in page
    assert hashlib.sha256(data).hexdigest() in page
    assert "&lt;all&gt;.bin" in page


@pytest.mark.parametrize("form", [{}, {"file": "no file"}])
def test_an_upload_without_a_file_is_refused(signed_in, form):
    answer = signed_in.post("/upload", data=form, content_type="multipart/form-data")
    assert answer.status_code == 400
    assert "choose a file" in answer.text


def test_the_journal_is_made_while_it_is_sent(signed_in):
    with signed_in.get("/download", buffered=False) as answer:
        assert answer.content_length is None
        chunks = list(answer.iter_encoded())
    assert len(chunks) == 101
    data, _, told = b"".join(chunks).rpartition(b"sha256 ")
    assert told.strip().decode() == hashlib.sha256(data).hexdigest()


def test_a_file_goes_out_by_the_servers_own_wrapper(portal):
    environ = create_environ("/static/portal.css")
    environ["wsgi.file_wrapper"] = FileWrapper
    body = portal(environ, lambda status, headers: None)
    assert isinstance(body, FileWrapper)
    body.close()


def test_programs_are_told_who_is_signed_in(anonymous, signed_in):
    answer = anonymous.get("/api/status.json")
    assert (answer.status_code, answer.json) == (401, {"error": "sign_in_required"})
    assert signed_in.get("/api/status.json").json == {
        "status": "ok",
        "user": "Ann@example.com",
        "role": "user",
        "orders": 0,
    }


def test_the_user_is_put_into_the_environ_for_what_is_around(portal, signed_in):
    environ = create_environ("/", headers={"Cookie": signed_in.get("/").request.headers["Cookie"]})
    portal(environ, lambda status, headers: None)
    assert environ["REMOTE_USER"] == "Ann@example.com"
