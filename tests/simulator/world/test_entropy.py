"""Chance from a seed."""

from __future__ import annotations

from collections import Counter

from mfa_simulator.world.entropy import SeededEntropy


def test_a_stream_is_the_same_on_every_python_and_every_machine():
    # A literal, so that a change of the stream, which would change every recorded timeline, is seen.
    assert SeededEntropy(7, "worker 1").token_bytes(8).hex() == "9cf148b90954fc7e"
    assert [SeededEntropy(7, "network").below(1000) for _ in range(2)] == [377, 377]


def test_streams_differ_by_seed_and_by_name():
    streams = {SeededEntropy(seed, name).token_bytes(16) for seed in (0, 1) for name in ("a", "b")}
    assert len(streams) == 4


def test_a_stream_goes_on_where_it_was():
    whole, parts = SeededEntropy(0, "x"), SeededEntropy(0, "x")
    assert whole.token_bytes(4) != whole.token_bytes(4)
    assert parts.token_bytes(0) == b""
    assert len(parts.token_bytes(33)) == 33


def test_numbers_stay_below_their_limit_and_reach_it_evenly():
    stream = SeededEntropy(0, "x")
    counts = Counter(stream.below(5) for _ in range(5000))
    assert set(counts) == {0, 1, 2, 3, 4}
    assert all(900 < count < 1100 for count in counts.values())
