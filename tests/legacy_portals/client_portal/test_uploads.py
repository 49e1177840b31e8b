"""Tests for legacy_portals.client_portal.uploads: what was sent is what was counted, to the byte."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from legacy_portals.client_portal.uploads import DigestSink

pytestmark = pytest.mark.any_python

BOUNDARY = "portal-boundary"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def size_and_sha256(page: str) -> tuple[int, str]:
    byte_count = re.search(r'<code id="byte-count">(\d+)</code>', page)
    sha256 = re.search(r'<code id="sha256">([0-9a-f]{64})</code>', page)
    assert byte_count is not None
    assert sha256 is not None
    return int(byte_count[1]), sha256[1]


def multipart(data: bytes, disposition: str) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x", id="one byte"),
        pytest.param(bytes(range(256)) * 20_000, id="5 MB of all bytes"),
        pytest.param(f"\r\n--{BOUNDARY[:-1]}\r\n--\r".encode() * 5000, id="nearly boundaries"),
        pytest.param(b"\r\n", id="a line break"),
        pytest.param(b"", id="no bytes"),
    ],
)
def test_an_upload_arrives_byte_for_byte(signed_in: Client, data: bytes) -> None:
    body = multipart(data, 'name="file"; filename="figures & facts.bin"')
    answer = signed_in.post("/upload", data=body, content_type=CONTENT_TYPE, buffered=True)
    assert size_and_sha256(answer.text) == (len(data), hashlib.sha256(data).hexdigest())
    assert "figures &amp; facts.bin" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"text", id="no form"),
        pytest.param(multipart(b"text", 'name="file"'), id="a text field"),
        pytest.param(multipart(b"", 'name="file"; filename=""'), id="no file chosen"),
        pytest.param(multipart(b"x", 'name="other"; filename="x.bin"'), id="another field"),
    ],
)
def test_an_upload_without_a_file_is_refused(signed_in: Client, body: bytes) -> None:
    answer = signed_in.post("/upload", data=body, content_type=CONTENT_TYPE, buffered=True)
    assert answer.status_code == 400
    assert "Please choose a file first." in answer.text
    assert "Set-Cookie" not in answer.headers


@given(st.lists(st.binary()))
def test_the_sink_counts_and_hashes_chunk_by_chunk_and_keeps_nothing(chunks: list[bytes]) -> None:
    sink = DigestSink()
    for chunk in chunks:
        assert sink.write(chunk) == len(chunk)
    whole = b"".join(chunks)
    assert (sink.byte_count, sink.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert sink.getvalue() == b""
