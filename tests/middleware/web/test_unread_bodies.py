"""What is left of a refused request's body is read to its end within bounds, and never waits for what is not sent."""

from __future__ import annotations

import io

import pytest

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.web import forms
from wsgi_mfa.web.forms import DISCARDED_BYTES_MAX, discard_body


class Stream(io.BytesIO):
    """A body of a connection that stays open: reading past its end would wait for ever."""

    def read(self, size=-1):
        assert 0 <= size <= 16384, "a read without a bound"
        assert self.tell() + size <= len(self.getvalue()) or self.terminated, "a read past the end"
        return super().read(size)

    terminated = False


@pytest.fixture
def clock():
    return SystemClock()


def test_a_body_is_read_to_its_end_and_no_further(clock):
    stream = Stream(b"x" * 100_000)
    discard_body({"CONTENT_LENGTH": "100000", "wsgi.input": stream}, clock)
    assert stream.tell() == 100_000


def test_a_body_in_chunks_is_read_to_its_end(clock):
    stream = Stream(b"x" * 100_000)
    stream.terminated = True
    discard_body({"wsgi.input_terminated": True, "wsgi.input": stream}, clock)
    assert stream.tell() == 100_000


@pytest.mark.parametrize("length", ["", None, "-1", "x", "１２"])
def test_where_nobody_can_tell_the_end_nothing_is_read(clock, length):
    stream = Stream(b"x" * 100)
    discard_body({"CONTENT_LENGTH": length, "wsgi.input": stream}, clock)
    assert stream.tell() == 0


def test_a_very_long_body_is_cut_off(clock):
    stream = Stream(b"x" * (DISCARDED_BYTES_MAX + 50_000))
    discard_body({"CONTENT_LENGTH": str(len(stream.getvalue())), "wsgi.input": stream}, clock)
    assert stream.tell() == DISCARDED_BYTES_MAX


def test_a_slow_sender_is_not_waited_for(monkeypatch, clock):
    monkeypatch.setattr(forms, "DISCARDED_SECONDS_MAX", 0)
    stream = Stream(b"x" * 100)
    discard_body({"CONTENT_LENGTH": "100", "wsgi.input": stream}, clock)
    assert stream.tell() == 0


def test_a_sender_that_has_left_is_no_error(clock):
    class Broken:
        def read(self, size):
            raise ConnectionResetError

    discard_body({"CONTENT_LENGTH": "100", "wsgi.input": Broken()}, clock)
