"""Bodies that are too long, too short, cut off, or not what their headers say, on every URL that takes a POST."""

from __future__ import annotations

import io
import json

import pytest

pytestmark = pytest.mark.any_python

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
PATHS = ("enroll", "enroll/manual", "verify", "resync", "recover", "recovery-code", "sign-out")
BYTES_MAX = 8192
MEGABYTE = b"a" * 1_048_576


class Meter(io.RawIOBase):
    """A body that counts what is read of it, and whether the reader asked for all there is."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)
        self.bytes_read = 0
        self.asked_for_all = False

    def read(self, size=-1):
        self.asked_for_all |= size is None or size < 0
        data = self._data.read(size)
        self.bytes_read += len(data)
        return data

    def readline(self, size=-1):
        raise AssertionError("a form of ours has no lines")


class BrokenPipe(io.RawIOBase):
    """The body of a client that went away."""

    def read(self, size=-1):
        raise OSError("the client went away")


@pytest.fixture
def post(scene):
    """``post(path, body, media_type, **environ)`` without the validator, which hides the stream's own type."""
    for browser in scene.browsers.values():
        browser.validated = False

    def send(path, body, media_type=JSON, **environ):
        stream = Meter(body)
        answer = scene.post(path, body, media_type, **{"wsgi.input": stream, **environ})
        assert not stream.asked_for_all
        return answer, stream

    return send


def json_of(scene, path):
    """What a JSON client would be accepted with."""
    fields = scene.fields_of(path)
    del fields["csrf"]
    return json.dumps(fields | ({"saved": True} if "saved" in fields else {})).encode()


# Too long


@pytest.mark.requirement("R30", "R70")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("media_type", [FORM, JSON, "multipart/form-data; boundary=a", "text/plain", None])
def test_a_megabyte_is_refused_unread(scene, post, path, media_type):
    answer, stream = post(path, MEGABYTE, media_type)
    assert (answer.status, stream.bytes_read) == (413, 0)
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R30", "R70")
@pytest.mark.parametrize("path", PATHS)
def test_a_megabyte_without_a_length_is_read_no_further_than_the_bound(scene, post, path):
    for body in (MEGABYTE, b'{"code": "' + MEGABYTE, json_of(scene, path) + b" " * 1_000_000):
        answer, stream = post(path, body, CONTENT_LENGTH=None, **{"wsgi.input_terminated": True})
        assert (answer.status, stream.bytes_read) == (413, BYTES_MAX + 1)
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R70")
@pytest.mark.parametrize("path", PATHS)
def test_the_bound_is_exact(scene, post, path):
    body = b'{"a": "b"}'
    fits, over = body.ljust(BYTES_MAX), body.ljust(BYTES_MAX + 1)
    assert post(path, over)[0].status == 413
    assert scene.nobody_is_harmed()
    assert post(path, fits)[0].status != 413


# Cut off, or not as long as they say


@pytest.mark.requirement("R70", "R80")
@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_cut_off_is_refused(scene, post, path):
    whole = json_of(scene, path)
    for length in (len(whole) + 1, len(whole) + 100, BYTES_MAX):
        assert post(path, whole, CONTENT_LENGTH=str(length))[0].status == 400, length
    for sent in range(len(whole)):
        assert post(path, whole[:sent], CONTENT_LENGTH=str(len(whole)))[0].status == 400, sent
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R70", "R79")
@pytest.mark.parametrize("path", PATHS)
def test_no_more_is_read_than_the_length_says(scene, post, path):
    whole = json_of(scene, path)
    for length in range(len(whole)):
        answer, stream = post(path, whole, CONTENT_LENGTH=str(length))
        assert (answer.status, stream.bytes_read) == (400, length)
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R70", "R80")
@pytest.mark.parametrize("path", PATHS)
def test_a_length_that_is_no_number_is_refused_unread(scene, post, path):
    whole = json_of(scene, path)
    right = str(len(whole))
    for length in (
        *("-1", "-" + right, "+" + right, " " + right, right + " ", right + "\t", "\n" + right),
        *(f"{right}, {right}", f"{right},{right}", f"{right};", right + "\x00", right + ".0", "1e1", "0x1f"),
        *("1_0", "abc", "None", "٣٠", "３０", "³⁰", "infinity", "nan", "--1", "0-0", "1 0"),
    ):
        answer, stream = post(path, whole, CONTENT_LENGTH=length)
        assert (answer.status, stream.bytes_read) == (400, 0), length
    for length in ("9" * 12, "9" * 20, "9" * 400, "1" + "0" * 4999):
        answer, stream = post(path, whole, CONTENT_LENGTH=length)
        assert (answer.status, stream.bytes_read) == (413, 0), length
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R70")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("length", [None, ""])
@pytest.mark.parametrize("terminated", [None, False])
def test_without_a_length_nothing_is_read_that_may_have_no_end(scene, post, path, length, terminated):
    environ = {"CONTENT_LENGTH": length, "wsgi.input_terminated": terminated}
    for media_type, status in ((JSON, 400), (FORM, 403)):
        answer, stream = post(path, json_of(scene, path), media_type, **environ)
        assert (answer.status, stream.bytes_read) == (status, 0)
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R80")
@pytest.mark.parametrize("path", PATHS)
def test_a_client_that_goes_away_changes_nothing(scene, path, caplog):
    for browser in scene.browsers.values():
        browser.validated = False
    body = json_of(scene, path)
    answer = scene.post(path, body, JSON, **{"wsgi.input": BrokenPipe()})
    assert answer.status == 400
    assert scene.nobody_is_harmed()
    assert caplog.text == ""


# Not what they say


@pytest.mark.requirement("R73", "D36")
@pytest.mark.parametrize("path", PATHS)
def test_json_of_another_type_is_no_json(scene, path):
    body = json_of(scene, path)
    for media_type in (
        *("text/json", "application/jsonp", "application/json-patch+json", "application/problem+json"),
        *("text/plain", "text/plain; application/json", "text/html, application/json", "application/*"),
        *("application/json, text/plain", "application/json/", "json", "*/*", "application /json"),
        *("application/x-json", "application/vnd.api+json", "application/csp-report", "text/javascript"),
        *("application/json\x00", "\x00application/json", "application\u2215json", "multipart/form-data"),
        *("application/octet-stream", "image/png", "application/xml", ",", "/"),
    ):
        answer = scene.post(path, body, media_type)
        assert answer.status == 400, media_type
    # Without a type it is a form, and has no token.
    for media_type in (None, "", ";", "; charset=utf-8", FORM, FORM.upper()):
        assert scene.post(path, body, media_type).status == 403, media_type
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R79")
@pytest.mark.parametrize("path", PATHS)
def test_a_multipart_form_is_no_form(scene, path):
    parts = "".join(
        f'--a\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in scene.fields_of(path).items()
    )
    body = (parts + "--a--\r\n").encode()
    for media_type in (
        "multipart/form-data; boundary=a",
        "multipart/form-data",
        "multipart/mixed; boundary=a",
    ):
        assert scene.post(path, body, media_type).status == 400
    assert scene.post(path, body, FORM).status == 403
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R79")
@pytest.mark.parametrize("path", PATHS)
def test_json_is_utf_8_without_a_mark(scene, path):
    text = json_of(scene, path).decode()
    for encoding in (
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "utf-32-be",
        "utf-7",
    ):
        body = text.encode(encoding) if encoding != "utf-7" else text.replace("{", "+AHs-").encode()
        for media_type in (JSON, f"{JSON}; charset={encoding}"):
            assert scene.post(path, body, media_type).status == 400, encoding
    for invalid in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"):
        assert scene.post(path, b'{"code": "' + invalid + b'"}', JSON).status == 400, invalid
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R79")
@pytest.mark.parametrize("path", PATHS)
def test_a_form_is_ascii(scene, path):
    whole = "&".join(f"{name}={value}" for name, value in scene.fields_of(path).items()).encode()
    for body in (b"\xef\xbb\xbf" + whole, whole + b"&a=\xff", whole + "&a=é".encode(), whole + b"\x80"):
        assert scene.post(path, body, FORM).status == 400, body
    many = whole + b"".join(b"&a%d=b" % number for number in range(30))
    assert scene.post(path, many, FORM).status == 400
    assert scene.nobody_is_harmed()


@pytest.mark.requirement("R79")
@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_json_object_is_refused(scene, path):
    right = scene.right["alice"]["code"]
    for body in (
        *("", " ", "null", "true", "0", '"code"', "[]", "[[]]", "{", "}", "{]", '{"code"}', '{"code":}'),
        *(
            f'{{"code": "{right}"',
            f'{{code: "{right}"}}',
            f"{{'code': '{right}'}}",
            f'{{"code": "{right}",}}',
        ),
        *(
            f'[{{"code": "{right}"}}]',
            f'{{"code": "{right}"}}{{}}',
            f'{{"code": "{right}"}}\x00',
            f'"{right}"',
        ),
        *(
            f'[["code", "{right}"]]',
            f'{{"code": "{right}"}} // no',
            f'/**/{{"code": "{right}"}}',
            f"code={right}",
        ),
        *(
            f')]}}\',\n{{"code": "{right}"}}',
            f'{{"code": "{right}\n"}}',
            '{"code": "\\u00"}',
            '{"code": "\\x31"}',
        ),
        *("[" * 8000, '{"a":' * 1600, "[" * 4000 + "]" * 4000, '{"code": ' * 800 + '""' + "}" * 800),
        '{"a": ' + "9" * 8000 + "}",
    ):
        assert scene.post(path, body.encode(), JSON).status == 400, body[:60]
    assert scene.nobody_is_harmed()
