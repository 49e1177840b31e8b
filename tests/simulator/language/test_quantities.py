"""Durations, instants and moments."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.language.quantities import (
    SECOND,
    TimePoint,
    clock_text,
    duration,
    duration_text,
    instant,
    moment,
    ppm,
    zone_shift,
)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("45s", 45 * SECOND),
        ("2m", 120 * SECOND),
        ("1h", 3600 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("300ms", 300_000),
        ("-1s", -SECOND),
        ("0.5s", 500_000),
        ("2d", 172_800 * SECOND),
        ("0s", 0),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text, microseconds):
    assert duration(text) == microseconds


@pytest.mark.parametrize(
    "text", ["45", "s", "1 s", "1x", "", "one minute", "--1s", "0.0000001s", "1s-2s", "٤s"]
)
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match=r"duration|microsecond"):
        duration(text)


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_a_duration_that_is_printed_reads_as_the_same_to_the_millisecond(milliseconds):
    span = milliseconds * 1000
    assert duration(duration_text(span)) == span


def test_instants_are_read_with_their_zone():
    assert instant("2026-03-02T09:00:00Z") == instant("2026-03-02T10:00:00+01:00")
    assert instant("1970-01-01T00:00:01.5Z") == 1_500_000
    assert clock_text(instant("2026-03-02T09:00:00.25Z")) == "2026-03-02 09:00:00.250"


@pytest.mark.parametrize(
    "text", ["2026-03-02T09:00:00", "2026-03-02", "2026-13-02T09:00:00Z", "noon", "0000-00-00T00:00:00Z"]
)
def test_an_instant_without_a_zone_or_sense_is_refused(text):
    with pytest.raises(ValueError, match="instant"):
        instant(text)


def test_moments_are_counted_from_something_that_comes():
    assert moment("step+2s") == TimePoint(anchor="step", shift=2 * SECOND)
    assert moment("step-1s") == TimePoint(anchor="step", shift=-SECOND)
    assert moment("lockout_end+1m") == TimePoint(anchor="lockout_end", shift=60 * SECOND)
    assert moment("session_end-1s") == TimePoint(anchor="session_end", shift=-SECOND)
    assert moment("1970-01-01T00:00:01Z") == TimePoint(anchor="instant", shift=SECOND)


@pytest.mark.parametrize("text", ["step2", "step+2", "step+-2s", "midnight", "step +2s"])
def test_a_moment_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match=r"moment|duration|signs"):
        moment(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("steps+2s", "step+2s"), ("lock_end-1s", "lockout_end-1s"), ("sessionend+1m", "session_end+1m")],
)
def test_a_moment_that_was_nearly_spelt_is_asked_about(text, meant):
    with pytest.raises(ValueError, match=rf'Did you mean "{re.escape(meant)}"\?'):
        moment(text)


def test_a_zone_by_name_is_told_how_to_say_it():
    with pytest.raises(ValueError, match="write how far it is off, such as 1h"):
        zone_shift("Berlin")


def test_a_wrong_zone_is_a_duration_or_written_like_a_zone():
    assert zone_shift("1h") == zone_shift("+01:00") == 3600 * SECOND
    assert zone_shift("-05:30") == -19_800 * SECOND


def test_a_drift_is_a_number():
    assert ppm("-12.5") * 2 == -25
    with pytest.raises(ValueError, match="parts per million"):
        ppm("50ppm")
