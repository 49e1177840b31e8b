"""Sign-ins by other ways than the sign-in page, told by their fields (D40)."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import tempfile
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from wsgi_mfa import ConfigurationError, FlaskSession, LoginForm, RemoteUser
from wsgi_mfa.web.body_spool import spool_body

pytestmark = pytest.mark.requirement("D40")

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "----WebKitFormBoundaryAbCdEf"


@dataclass
class RoundupLike:
    """Signs users in at every URL: name and password in the query or the body are enough for that very request."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, environ, start_response):
        self.calls.append(dict(environ))
        length = environ.get("CONTENT_LENGTH") or 0
        body = environ["wsgi.input"].read(int(length)) if length else b""
        self.bodies.append(body)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
        return [b"secret"]


@pytest.fixture
def portal() -> RoundupLike:
    return RoundupLike()


@pytest.fixture
def browser(new_browser):
    def make(application, *, validated: bool = True, **environ: Any):
        return new_browser(application, environ=environ, validated=validated)

    return make


@pytest.fixture
def visitor(portal, wrapped, browser):
    return browser(
        wrapped(portal, identity=RemoteUser(), sign_in_fields=["roundup"], sign_in_paths=["/sign-in"])
    )


SIGN_IN = {"@action": "Login", "__login_name": "ann", "__login_password": "right"}


def multipart(fields: dict[str, str], *, eol: bytes = b"\r\n", before: bytes = b"") -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return before + "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode().replace(b"\r\n", eol)


def post(client, url: str, body: bytes, kind: str | None, **environ: Any):
    headers = {"Accept": "text/html"} if kind is None else {"Accept": "text/html", "Content-Type": kind}
    return client.request("POST", url, headers=headers, body=body, environ=environ)


MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = urlencode(SIGN_IN).encode()


@pytest.mark.parametrize(
    ("url", "body", "kind"),
    [
        pytest.param("/user3", URLENCODED, FORM, id="a form at another page"),
        pytest.param("/sign-in/more", URLENCODED, FORM, id="below the sign-in page"),
        pytest.param("/user3", URLENCODED.replace(b"&", b";"), FORM, id="semicolons"),
        pytest.param("/user3", URLENCODED.replace(b"Login&", b"LOGIN&"), FORM, id="the fixed text in another case"),
        pytest.param("/user3", urlencode({**SIGN_IN, "__LOGIN_name": "ann"}).encode(), FORM, id="another case"),
        pytest.param("/user3", URLENCODED.replace(b"__login_n", b"%5f%5flogin.n"), FORM, id="as PHP folds names"),
        pytest.param("/user3", URLENCODED.replace(b"_name=", b"_name%3Astring="), FORM, id="a converter of Zope"),
        pytest.param("/user3", URLENCODED.replace(b"_name=", b"_name[]="), FORM, id="an array"),
        pytest.param("/user3", multipart(SIGN_IN), MULTIPART, id="multipart"),
        pytest.param("/user3", json.dumps(SIGN_IN).encode(), "application/json", id="JSON"),
        pytest.param("/user3", json.dumps({"a": [{"b": SIGN_IN}]}).encode(), "application/json", id="JSON, deep"),
        pytest.param(
            "/user3",
            json.dumps(SIGN_IN).replace("name", "n\\u0061me").encode(),
            "application/json",
            id="JSON with escapes",
        ),
        pytest.param("/user3", URLENCODED, None, id="no type"),
        pytest.param("/user3", URLENCODED, "text/plain", id="another type"),
        pytest.param("/user3", URLENCODED, f"{FORM},{FORM}", id="a repeated type"),
        pytest.param("/user3", URLENCODED, f"{FORM}; charset=utf-7", id="another charset"),
        pytest.param("/user3", "\x00".join(json.dumps(SIGN_IN)).encode(), "application/json", id="UTF-16"),
        pytest.param("/user3", b"// a comment\n" + json.dumps(SIGN_IN).encode(), "application/json", id="bad JSON"),
        pytest.param("/user3", multipart(SIGN_IN, eol=b"\n"), MULTIPART, id="multipart with bare line feeds"),
        pytest.param("/user3", multipart(SIGN_IN, before=b"preamble\r\n"), MULTIPART, id="a preamble"),
        pytest.param(
            "/user3",
            multipart(SIGN_IN).replace(b'"__login_name"', b'"x"; name="__login_name"'),
            MULTIPART,
            id="two names of a part",
        ),
        pytest.param(
            "/user3",
            multipart(SIGN_IN).replace(b'"@action"', b'"@action"; filename="a"'),
            MULTIPART,
            id="a field sent as a file",
        ),
        pytest.param("/user3?" + urlencode(SIGN_IN), b"", None, id="the query"),
        pytest.param("/user3?@action=login", b"__login_name=ann&__login_password=x", FORM, id="half in the query"),
        pytest.param("/user3;@action=login;__login_name=ann", b"", None, id="path parameters"),
    ],
)  # fmt: skip
def test_a_visitor_signs_in_nowhere_but_at_the_sign_in_page(portal, visitor, url, body, kind) -> None:
    answer = post(visitor, url, body, kind)
    assert (answer.status, portal.calls) == (403, [])


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/", "/Sign-In"])
def test_the_sign_in_page_gets_its_form(portal, visitor, path) -> None:
    assert post(visitor, path, URLENCODED, FORM).status == 200
    assert portal.bodies == [URLENCODED]


def test_a_query_at_the_sign_in_page_is_no_form(portal, visitor) -> None:
    assert visitor.navigate("/sign-in?" + urlencode(SIGN_IN)).status == 403
    assert portal.calls == []


def test_an_encoded_body_of_a_visitor_is_searched_as_it_is(portal, visitor) -> None:
    answer = post(visitor, "/user3", URLENCODED, FORM, HTTP_CONTENT_ENCODING="identity")
    assert (answer.status, portal.calls) == (403, [])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"q=hello&page=2", FORM, id="a search"),
        pytest.param(b"@action=search&__login_name=", FORM, id="an empty field"),
        pytest.param(b"@action=edit&__login_name=ann", FORM, id="another action"),
        pytest.param(json.dumps({"name": "x", "items": [1, {"a": None}]}).encode(), "application/json", id="JSON"),
        pytest.param(multipart({"text": "__login_name"}), MULTIPART, id="a name as the text of a field"),
        pytest.param(
            multipart({"f": "@action __login_name"}).replace(b'name="f"', b'name="f"; filename="a.txt"'),
            MULTIPART,
            id="names in a file",
        ),
        pytest.param(b"\x00\x01binary", "application/octet-stream", id="an upload"),
        pytest.param(b"", FORM, id="nothing"),
    ],
)  # fmt: skip
def test_what_signs_nobody_in_passes_byte_for_byte(portal, visitor, body, kind) -> None:
    assert post(visitor, "/user3", body, kind).status == 200
    assert portal.bodies == [body]
    assert portal.calls[0]["CONTENT_LENGTH"] == str(len(body))


# After the second factor


@pytest.fixture
def ann(portal, wrapped, browser, phone_of):
    client = browser(
        wrapped(
            portal,
            identity=RemoteUser(),
            sign_in_fields=["roundup", ["code_of_the_day"]],
            sign_in_paths=["/sign-in"],
            sign_in_fields_except=["POST /user/"],
            sign_in_body_bytes_max=2 * 1024 * 1024,
        ),
        REMOTE_USER="ann",
    )
    client.enroll("/", phone_of)
    portal.calls.clear()
    portal.bodies.clear()
    return client


def test_a_user_does_not_sign_in_as_another_user(portal, ann, caplog) -> None:
    other = urlencode({**SIGN_IN, "__login_name": "bob"}).encode()
    with caplog.at_level(logging.WARNING, "wsgi_mfa"):
        assert post(ann, "/item1", other, FORM).status == 403
        assert post(ann, "/item1", other, FORM).status == 403
    assert portal.calls == []
    lines = [line for line in caplog.messages if "sign_in_fields_except" in line]
    assert len(lines) == 1
    assert 'sign_in_fields_except = ["POST /item1"]' in lines[0]


def test_two_names_are_not_the_users_own(portal, ann) -> None:
    both = URLENCODED + b"&__login_name=bob"
    assert post(ann, "/item1", both, FORM).status == 403
    assert portal.calls == []


def test_a_user_may_confirm_the_own_password(portal, ann) -> None:
    body = urlencode({**SIGN_IN, "__login_name": "ann"}).encode()
    assert post(ann, "/item1", body, FORM).status == 200
    assert portal.bodies == [body]


@pytest.mark.requirement("D44")
@pytest.mark.parametrize("name", [" Ann ", "ANN"])
def test_another_spelling_may_be_another_user(portal, ann, name) -> None:
    body = urlencode({**SIGN_IN, "__login_name": name}).encode()
    assert post(ann, "/item1", body, FORM).status == 403
    assert portal.bodies == []


def test_a_path_that_is_excepted_takes_such_fields_from_users_alone(portal, ann, wrapped, browser) -> None:
    other = urlencode({**SIGN_IN, "__login_name": "bob"}).encode()
    assert post(ann, "/user/3", other, FORM).status == 200
    assert post(ann, "/user/../item1", other, FORM).status == 403
    assert post(ann, "/users", other, FORM).status == 403
    ann.environ.pop("REMOTE_USER")
    assert post(ann, "/user/3", other, FORM).status == 403


def test_a_field_that_is_a_credential_by_itself_has_no_user(portal, ann) -> None:
    assert post(ann, "/item1", b"code_of_the_day=42", FORM).status == 403


def test_a_long_body_of_a_user_is_refused_where_it_must_be_read(portal, ann) -> None:
    body = b"x" * (2 * 1024 * 1024 + 1)
    assert post(ann, "/item1", body, "application/octet-stream").status == 413
    assert portal.calls == []


@pytest.mark.parametrize("terminated", [False, True])
def test_a_large_upload_arrives_byte_for_byte(portal, ann, terminated) -> None:
    body = multipart({"a": "1"}).replace(b"1\r\n", os.urandom(1_500_000).replace(b"--", b"__") + b"\r\n", 1)
    more = {"CONTENT_LENGTH": None, "wsgi.input_terminated": True} if terminated else {}
    assert post(ann, "/item1", body, MULTIPART, **more).status == 200
    assert hashlib.sha256(portal.bodies[0]).digest() == hashlib.sha256(body).digest()


def test_a_body_that_is_cut_off_does_not_reach_the_portal(portal, ann) -> None:
    assert post(ann, "/item1", b"q=1", FORM, CONTENT_LENGTH="10").status == 400
    assert portal.calls == []


def test_a_body_without_an_end_is_refused(portal, visitor) -> None:
    more = {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked"}
    assert post(visitor, "/item1", b"q=1", FORM, **more).status == 400
    assert portal.calls == []


# Portals that sign in at their sign-in page


def test_without_the_trait_no_request_of_a_user_is_looked_into(portal, wrapped, browser, phone_of) -> None:
    application = wrapped(
        portal, identity=RemoteUser(), sign_in_fields=[["username", "password"]], sign_in_paths=["/login"]
    )
    client = browser(application, REMOTE_USER="ann")
    client.enroll("/", phone_of)
    source = io.BytesIO(b"username=bob&password=x")
    answer = post(client, "/add-user", b"", FORM, **{"wsgi.input": source, "CONTENT_LENGTH": "23"})
    assert answer.status == 200
    client.environ.pop("REMOTE_USER")
    assert post(client, "/add-user", b"username=bob&password=x", FORM).status == 403


def test_a_portal_without_declared_fields_is_not_read_at_all(portal, wrapped, browser) -> None:
    class Unread(io.BytesIO):
        pass

    source = Unread(b"username=bob&password=x")
    client = browser(wrapped(portal, identity=RemoteUser(), validated=False), validated=False)
    post(client, "/add-user", b"", FORM, **{"wsgi.input": source, "CONTENT_LENGTH": "23"})
    assert portal.calls[0]["wsgi.input"] is source


def test_the_name_of_a_session_cookie_is_watched_where_it_may_be_taken_from_a_body(
    portal, wrapped, browser
) -> None:
    form = LoginForm("/sign-in", "user", cookies=["sid"], succeeded=["status=302"], failed=["status=200"])
    client = browser(wrapped(portal, identity=form, sign_in_fields=[["user", "password"]]))
    assert post(client, "/x", b"sid=V", FORM).status == 403
    assert post(client, "/x", b"a=1", FORM).status == 200


def test_flask_takes_its_session_from_the_cookie_alone(portal, wrapped, browser) -> None:
    identity = FlaskSession("a secret of the portal in tests", user_key="user")
    client = browser(
        wrapped(portal, identity=identity, sign_in_fields="flask-login", sign_in_paths=["/login"])
    )
    assert post(client, "/talks", b"session=3", FORM).status == 200


def test_a_field_of_also_by_is_watched(portal, wrapped, browser) -> None:
    application = wrapped(portal, identity=RemoteUser(), also_by=["field _session_token"])
    client = browser(application)
    assert post(client, "/x", b"_session_token=V", FORM).status == 403


def test_cookies_of_the_fields_are_removed(portal, wrapped, browser) -> None:
    client = browser(
        wrapped(portal, identity=RemoteUser(anonymous_cookies=("theme",)), sign_in_fields="zope-pas",
                sign_in_paths=["/login"])
    )  # fmt: skip
    client.navigate("/", headers={"Cookie": "__ac_name=ann; __ac_password=x; theme=dark"})
    assert portal.calls[0]["HTTP_COOKIE"] == "theme=dark"


@pytest.mark.parametrize(
    "settings",
    [
        {"sign_in_fields": [["a"]]},
        {"sign_in_fields": [[]], "sign_in_paths": ["/x"]},
        {"sign_in_fields": ["unknown"], "sign_in_paths": ["/x"]},
        {"sign_in_fields": [["a"]], "sign_in_paths": "/x"},
        {"sign_in_fields": [["a"]], "sign_in_paths": ["x"]},
        {"sign_in_fields": [["a"]], "sign_in_paths": ["/x"], "sign_in_fields_except": ["/user/"]},
        {"sign_in_fields": [["a"]], "sign_in_paths": ["/x"], "sign_in_body_bytes_max": 0},
        {"sign_in_fields": [["a"]], "sign_in_paths": ["/x"], "signs_in_anywhere": "yes"},
        {"signs_in_anywhere": True},
    ],
)
def test_a_setting_that_is_not_legal_stops_the_start(portal, wrapped, settings) -> None:
    with pytest.raises(ConfigurationError, match=r"sign(s)?_in"):
        wrapped(portal, identity=RemoteUser(), **settings)


# Bodies that a server has spooled, and bodies that are searched


@pytest.mark.requirement("D43a")
@pytest.mark.parametrize("size", [10, 2_000_000])
def test_a_body_that_the_server_has_spooled_is_not_copied(size) -> None:
    body = os.urandom(size)
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.seek(0)
        for source in (io.BytesIO(body), file):
            environ: dict[str, Any] = {"CONTENT_LENGTH": str(size), "wsgi.input": source}
            spooled = spool_body(environ, bytes_max=size)
            assert bytes(spooled.content()) == body
            assert environ["wsgi.input"].read() == body
            assert source.tell() == size, "the application has read the server's own file"
            del spooled, environ
            assert not source.closed


@pytest.mark.requirement("D40")
@pytest.mark.parametrize("changed", [b"behind", b""])
def test_a_file_that_holds_something_else_than_the_body_is_copied(changed) -> None:
    source = io.BytesIO(b"before, body, " + changed)
    source.seek(8)
    environ: dict[str, Any] = {"CONTENT_LENGTH": "4", "wsgi.input": source}
    spooled = spool_body(environ, bytes_max=100)
    assert (spooled.content(), spooled.read()) == (b"body", b"body")
    assert source.tell() == 12


MENTIONS = {
    "as it is": b"x __login_name=ann",
    "in capitals": b"x __LOGIN_NAME=ann",
    "with other separators": b"x ..login-name=ann",
    "in UTF-16": "x __login_name=ann".encode("utf-16"),
    "behind a backslash": rb'{"__l\ogin_name": 1}',
    "by a Unicode escape": rb'{"__l\u006Fgin_name": 1}',
    "percent-encoded": b"x __l%6Fgin%5fname=ann",
    "percent-encoded twice": b"x __l%256Fgin_name=ann",
}


@pytest.mark.parametrize("spelling", MENTIONS)
@pytest.mark.parametrize("before", [0, 262_144 - 8])
def test_a_field_is_found_in_a_body_that_cannot_be_taken_apart(portal, visitor, spelling, before) -> None:
    body = b"\xff" * before + MENTIONS[spelling]
    assert post(visitor, "/item1", body, "application/octet-stream").status == 403
    assert portal.calls == []


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("__login_name", 403),
        ("__LOGIN.name", 403),
        ("__l\\u006fgin_name", 403),
        ("__l%256fgin_name", 403),
        ("x__login_name", 200),
    ],
)
def test_a_field_in_json_is_found_in_every_spelling(portal, visitor, key, status) -> None:
    body = f'[{{"a": [{{"{key}": "ann", "@action": "login"}}]}}]'.encode()
    assert post(visitor, "/item1", body, "application/json").status == status
