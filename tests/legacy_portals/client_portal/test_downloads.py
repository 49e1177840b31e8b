"""Tests for legacy_portals.client_portal.downloads: what leaves the portal, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

import pytest
from werkzeug.test import Client, EnvironBuilder

from legacy_portals.client_portal.downloads import PRICE_LIST, STYLE_SHEET, export_chunks

pytestmark = pytest.mark.any_python

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def test_the_export_is_several_megabytes_and_proves_itself() -> None:
    export = b"".join(export_chunks())
    rows, _, proof = export.rpartition(b"sha256,")
    assert len(export) > 4_000_000
    assert proof == hashlib.sha256(rows).hexdigest().encode() + b"\r\n"
    assert rows.count(b"\r\n") == 1 + 120_000
    assert rows.endswith(b"\r\n")


def test_the_export_streams_with_no_length_and_many_chunks(signed_in: Client) -> None:
    answer = signed_in.get("/download")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.content_length is None
    chunks = list(answer.iter_encoded())
    answer.close()
    assert len(chunks) > 100
    assert b"".join(chunks) == b"".join(export_chunks())


def test_the_export_is_made_while_it_is_sent(signed_in: Client) -> None:
    with signed_in.get("/download") as answer:
        assert next(iter(answer.iter_encoded())) == b"row,account,period,quantity,amount\r\n"


def test_the_price_list_arrives_byte_for_byte(signed_in: Client) -> None:
    answer = signed_in.get("/download/file", buffered=True)
    assert answer.data == PRICE_LIST.read_bytes()
    assert answer.content_length == len(answer.data) > 40_000
    assert answer.headers["Content-Disposition"] == "attachment; filename=price-list.csv"


def test_a_part_of_the_price_list_can_be_asked_for(signed_in: Client) -> None:
    answer = signed_in.get("/download/file", headers={"Range": "bytes=100-199"}, buffered=True)
    assert answer.status_code == 206
    assert answer.data == PRICE_LIST.read_bytes()[100:200]


class ServersWrapper:
    """Stands for the server's own file wrapper, which recognises its objects by identity."""

    def __init__(self, file: IO[bytes], block_byte_count: int = 8192) -> None:
        self.file = file
        self.block_byte_count = block_byte_count

    def __iter__(self) -> Iterable[bytes]:
        return iter(lambda: self.file.read(self.block_byte_count), b"")

    def close(self) -> None:
        self.file.close()


def test_the_servers_file_wrapper_comes_back_itself(portal: WSGIApplication, signed_in: Client) -> None:
    cookie = signed_in.get_cookie("session")
    assert cookie is not None
    environ = EnvironBuilder(
        path="/download/file", headers={"Cookie": f"session={cookie.value}"}
    ).get_environ()
    environ["wsgi.file_wrapper"] = ServersWrapper
    answered = portal(environ, lambda _status, _headers, _exc_info=None: bytearray().extend)
    assert isinstance(answered, ServersWrapper)
    assert b"".join(answered) == PRICE_LIST.read_bytes()
    answered.close()


def test_the_style_sheet_is_there_for_everybody(anonymous: Client) -> None:
    answer = anonymous.get("/static/portal.css", buffered=True)
    assert answer.content_type == "text/css; charset=utf-8"
    assert answer.data == STYLE_SHEET.read_bytes()


def test_a_style_sheet_that_the_browser_has_is_not_sent_again(anonymous: Client) -> None:
    etag = anonymous.get("/static/portal.css", buffered=True).headers["ETag"]
    answer = anonymous.get("/static/portal.css", headers={"If-None-Match": etag}, buffered=True)
    assert (answer.status_code, answer.data) == (304, b"")
