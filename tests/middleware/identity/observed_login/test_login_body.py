"""A sign-in's body names a user only where no parser could read another one (D4, D9)."""

from __future__ import annotations

import io
import json
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request

from wsgi_mfa.identity.observed_login.login_body import JSON, MULTIPART, URLENCODED, typed_in, written

ALL = (URLENCODED, MULTIPART, JSON)
NAMES = st.sampled_from(["user", "User", " user", "password", "us%65r", "user\0", "x"])
VALUES = st.text(st.characters(codec="utf-8"), max_size=12)

pytestmark = pytest.mark.requirement("D9")


def typed(
    body: bytes, kind: str = URLENCODED, query: str = "", media_types: tuple[str, ...] = ALL
) -> str | None:
    return typed_in(body, kind, query, field="user", media_types=media_types)


def multipart(
    *parts: str, kind: str = "multipart/form-data; boundary=B", end: str = "--B--\r\n"
) -> str | None:
    body = "".join(f"--B\r\n{part}\r\n" for part in parts) + end
    return typed(body.encode(), kind)


def part(value: str, name: str = "user", more: str = "", headers: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n{headers}\r\n{value}'


@given(kind=st.sampled_from(ALL), user=VALUES, password=VALUES)
def test_what_clients_send_is_read_as_it_was_typed(kind, user, password):
    content_type, body = written({"user": user, "password": password}, kind)
    read = typed(body, content_type)
    assert read == user or (read is None and ("\ufffd" in user or "wsgi-mfa-rehearsal" in user + password))


@given(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_a_form_is_read_as_others_read_it_or_not_at_all(pairs):
    body = urlencode(pairs)
    read = typed(body.encode())
    assert read is None or parse_qs(body, keep_blank_values=True)["user"] == [read]


@given(
    parts=st.lists(st.tuples(NAMES, VALUES), max_size=4), mess=st.binary(max_size=6), at=st.integers(0, 300)
)
def test_parts_are_read_as_others_read_them_or_not_at_all(parts, mess, at):
    whole = b"".join(f"--B\r\n{part(value, name)}\r\n".encode() for name, value in parts) + b"--B--\r\n"
    body = whole[:at] + mess + whole[at:]
    kind = "multipart/form-data; boundary=B"
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
    read = typed(body, kind)
    if read is not None:
        request = Request({**environ, "wsgi.input": io.BytesIO(body)})
        assert request.form.getlist("user") == [read]
        assert "user" not in request.files


@pytest.mark.parametrize(
    "body",
    [
        b"user=victim&user=mallory",
        b"x=1;user=victim&user=mallory",
        b"User=victim&user=mallory",
        b"+user=victim&user=mallory",
        b"user%00=victim&user=mallory",
        b"us%2565r=victim&user=mallory",
        b"_charset_=cp037&user=mallory",
        b'{"user":"victim","x":"&user=mallory&"}',
        b"user=mallory\r\n--B",
        b"user=m%allory",
        b"user=mallory%FF",
        b"user=mallor\xc3\xbf",
        b"x=1",
        b"",
    ],
)
def test_a_form_that_some_portal_reads_otherwise_names_nobody(body):
    assert typed(b"user=mallory") == "mallory"
    assert typed(body) is None


def test_a_password_in_the_charset_of_an_old_page_does_not_hide_the_user():
    assert typed(b"user=mallory&password=p%E4ssword") == "mallory"
    assert typed(b"user=Zo%EB&password=password") is None  # which might be another user in another charset


@pytest.mark.parametrize("query", ["user=victim", "x=1;user=victim", "us%65r=victim", "USER=victim"])
def test_a_user_in_the_query_too_is_nobody(query):
    assert typed(b"user=mallory", query="page=2") == "mallory"
    assert typed(b"user=mallory", query=query) is None


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("application/x-www-form-urlencoded; charset=UTF-8", "mallory"),
        ("Application/X-WWW-Form-URLEncoded", "mallory"),
        ("application/x-www-form-urlencoded; charset=cp037", None),
        ("application/x-www-form-urlencoded; charset=utf-8; charset=cp037", None),
        ("application/x-www-form-urlencoded, text/plain", None),
        ("text/plain", None),
        ("", None),
    ],
)
def test_another_charset_or_media_type_names_nobody(kind, read):
    assert typed(b"user=mallory", kind) == read


def test_a_media_type_that_the_portal_does_not_take_is_not_read():
    assert typed(b"user=mallory", media_types=(JSON,)) is None
    assert typed(b'{"user": "mallory"}', JSON, media_types=(URLENCODED,)) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"user": "victim", "user": "mallory"}',
        b'{"User": "victim", "user": "mallory"}',
        b'{"user": ["mallory"]}',
        b'{"user": 7}',
        b'[["user", "mallory"]]',
        b'"user"',
        b"\xef\xbb\xbf" + b'{"user": "mallory"}',
        json.dumps({"user": "mallory"}).encode("utf-16"),
        b'{"user": "mallory"} x',
        b"[" * 100_000,
    ],
)
def test_an_object_that_some_portal_reads_otherwise_names_nobody(body):
    assert typed(b'{"user": "mallory", "x": [{"user": "victim"}]}', JSON) == "mallory"
    assert typed(body, JSON) is None


def test_parts_as_browsers_send_them_are_read():
    file = part("\x7fELF", "photo", '; filename="me.png"', "Content-Type: image/png\r\n")
    assert multipart(part("mallory"), file) == "mallory"
    assert multipart(part("UTF-8", "_charset_"), part("mallory")) == "mallory"


@pytest.mark.parametrize(
    "parts",
    [
        (part("victim"), part("mallory")),
        (part("victim", "USER"), part("mallory")),
        (part("mallory", more='; filename="a"'),),
        (part("mallory", more="; name=victim"),),
        (part("mallory", more="; filename*=utf-8''a"),),
        (part("bWFsbG9yeQ==", headers="Content-Transfer-Encoding: base64\r\n"),),
        (part("mallory", headers="Content-Type: text/plain; charset=cp037\r\n"),),
        (part("cp037", "_charset_"), part("mallory")),
        (part("mallory", 'us\\"er'),),
        (part("x", "y") + f"\n--B\n{part('victim')}\n--B", part("mallory")),
        ("mallory",),
        (),
    ],
)
def test_parts_that_some_portal_reads_otherwise_name_nobody(parts):
    assert multipart(*parts) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "multipart/form-data; boundary=B; boundary=C"},
        {"kind": "multipart/form-data; charset=cp037; boundary=B"},
        {"kind": "multipart/form-data"},
        {"kind": "multipart/mixed; boundary=B"},
        {"end": "--B--\r\nmore"},
        {"end": ""},
    ],
)
def test_an_envelope_that_browsers_do_not_send_names_nobody(settings):
    assert multipart(part("mallory")) == "mallory"
    assert multipart(part("mallory"), **settings) is None


@pytest.mark.parametrize("name", ["user.name", "user[name", "user+name", "USER_NAME"])
def test_a_name_that_php_takes_for_the_field_is_one(name):
    body = f"{name}=victim&user_name=mallory".replace("[", "%5B").encode()
    assert typed_in(body, URLENCODED, "", field="user_name", media_types=ALL) is None
    assert (
        typed_in(body[body.index(b"&") + 1 :], URLENCODED, "", field="user_name", media_types=ALL)
        == "mallory"
    )
