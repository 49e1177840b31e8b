"""``wsgi-mfa keys generate``: a line that the ring reads."""

from __future__ import annotations

import pytest

from wsgi_mfa.keys import KeyRing


def test_a_generated_key_is_one_line_that_the_ring_reads(run):
    done = run("keys", "generate")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == 1
    assert KeyRing.from_text(done.out.strip()).ids == ("k1",)


@pytest.mark.requirement("R42")
def test_each_key_is_another_one_and_can_be_added_behind_the_first(run):
    first, second = run("keys", "generate").out.strip(), run("keys", "generate", "--id", "2027").out.strip()
    assert first.partition(":")[2] != second.partition(":")[2]
    assert KeyRing.from_text(f"{first},{second}").writing_id == "2027"
