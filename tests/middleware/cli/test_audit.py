"""``wsgi-mfa audit``: what is on record, and that nobody has touched it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

USER = "user1@example.com"


def lines_of(done):
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.requirement("R48", "D31")
def test_an_export_lists_each_event_once_and_ends_with_the_heads(run, enrolled, guess):
    guess(enrolled, 2)
    done = run("audit", "export", "--database", enrolled)
    assert (done.code, done.err) == (0, "")
    *events, head = lines_of(done)
    kinds = [event["kind"] for event in events]
    assert kinds == [
        "enrollment.begun",
        "enrollment.confirmed",
        "known_browser.added",
        "code.wrong",
        "code.wrong",
    ]
    assert len({event["id"] for event in events}) == len(events)
    assert {event["user"] for event in events} == {USER}
    assert all(event["at"].endswith("Z") and event["source"] == "192.0.2.7" for event in events)
    assert (head["head"], head["number"]) == (USER, len(events))
    assert lines_of(run("audit", "export", USER, "--database", enrolled)) == [*events, head]
    assert lines_of(run("audit", "export", "nobody", "--database", enrolled)) == []


@pytest.mark.requirement("D31")
def test_a_whole_record_is_verified_against_an_earlier_export(run, enrolled, guess, tmp_path):
    exported = tmp_path / "export.jsonl"
    exported.write_text(run("audit", "export", "--database", enrolled).out)
    guess(enrolled, 1)
    done = run("audit", "verify", "--against", exported, "--database", enrolled)
    assert (done.code, done.out, done.err) == (0, "verified: 4 events in 1 chain\n", "")


@pytest.mark.requirement("D31")
def test_a_record_that_somebody_has_touched_is_told_of_with_exit_1(run, enrolled):
    with closing(sqlite3.connect(enrolled)) as connection, connection:
        connection.execute("UPDATE events SET body = replace(body, '192.0.2.7', '192.0.2.8')")
    done = run("audit", "verify", "--database", enrolled)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"not whole: '{USER}': event 1 (enrollment.begun) or one before it is not what was signed\n"
    )


@pytest.mark.requirement("D31")
def test_what_is_old_can_be_dropped(run, enrolled):
    assert run("audit", "prune", "--days", 1, "--database", enrolled).out == "dropped: 0 events\n"
    assert run("audit", "verify", "--database", enrolled).code == 0


@pytest.mark.requirement("D31")
def test_a_change_of_the_enrollment_of_the_store_is_on_record(run, enrolled):
    run("store", "enrollment", "invited", "--database", enrolled)
    *events, store_head, _ = lines_of(run("audit", "export", "--database", enrolled))
    assert (events[-1]["kind"], events[-1]["details"]) == ("store.enrollment", {"rule": "invited"})
    assert (store_head["head"], store_head["number"]) == ("", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no line with a head"),
        ("{}\n", ":1: is no line of"),
        ("no JSON\n", "export.jsonl:1: is no line of wsgi-mfa audit export"),
        ('{"head": "x"}\n', "export.jsonl:1: is no line of wsgi-mfa audit export"),
        ("3\n", "export.jsonl:1: is no line of wsgi-mfa audit export"),
    ],
)
def test_a_file_that_is_no_export_is_refused(run, enrolled, tmp_path, text, said):
    path = tmp_path / "export.jsonl"
    path.write_text(text)
    done = run("audit", "verify", "--against", path, "--database", enrolled)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
