"""Tests for legacy_portals.client_portal.portal: the whole application, as a server sees it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from werkzeug.test import Client

from legacy_portals import PortalUser, make_portal

pytestmark = pytest.mark.any_python

VOID = {"meta", "link", "input"}


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
        if tag in ("input", "select") and values.get("type") not in ("hidden", "submit"):
            self.fields.add(values["id"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/reports", "/reports/1", "/orders", "/upload", "/write", "/x"]
)
@pytest.mark.parametrize("who", ["anonymous", "signed_in"])
def test_pages_are_well_formed_and_every_field_has_a_label(
    request: pytest.FixtureRequest, who: str, path: str
) -> None:
    browser: Client = request.getfixturevalue(who)
    outline = Outline()
    with browser.get(path, follow_redirects=True) as page:
        outline.feed(page.text)
    outline.close()
    assert outline.open_tags == []
    assert len(outline.ids) == len(set(outline.ids)) > 0
    assert outline.fields <= outline.labelled


def test_two_portals_share_no_orders() -> None:
    users = {"ann": PortalUser("ann", "secret")}
    first, second = (Client(make_portal(users, "the same key")) for _ in range(2))
    for client in (first, second):
        client.post("/sign-in", data={"username": "ann", "password": "secret"})
    first.post("/orders", data={"product": "Desk lamp", "quantity": "1"})
    answers = [client.get("/api/status.json").json for client in (first, second)]
    assert [answer and answer["orders"] for answer in answers] == [1, 0]


def test_a_user_name_with_markup_is_shown_as_text() -> None:
    name = "<b>O'Neil & \u65e5\u672c</b>"
    client = Client(make_portal({name: PortalUser(name, "secret")}, "some key"))
    client.post("/sign-in", data={"username": name, "password": "secret"})
    assert "<h1>Welcome, &lt;b&gt;O&#x27;Neil &amp; \u65e5\u672c&lt;/b&gt;</h1>" in client.get("/").text


def test_a_form_that_is_far_too_large_is_refused(anonymous: Client) -> None:
    field = (
        b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\n' + b"x" * 600_000 + b"\r\n--b--\r\n"
    )
    content_type = "multipart/form-data; boundary=b"
    answer = anonymous.post("/sign-in", data=field, content_type=content_type, buffered=True)
    assert answer.status_code == 413
