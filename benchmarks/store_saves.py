"""What a save and a load cost, beside the conditional UPDATE that one would write by hand (D38).

Run ``python benchmarks/store_saves.py [FOLDER]``; the folder (default: a temporary one) decides which disk is
measured. Both sides use the same file settings and the same bodies. The rounds alternate, so that a slow moment
of the machine meets both, and the ratio is that of the medians. The store also writes the account's text, an
index and the event, which a disk that takes milliseconds hides and one that answers from its cache does not.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

from harness import Action, heading, line, side_by_side

from wsgi_mfa.core.account import Account, Method, RecoveryCode, Session
from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore
from wsgi_mfa.stores.sqlite_file import connect

USER = "user1@example.com"
ROUNDS = 30
CALLS = 50


def account_of_two_sessions() -> Account:
    """One recovery code and two sessions: about what most users have."""
    sessions = [
        Session(
            id=letter * 32, browser="b" * 32, login="l" * 43, method=Method.CODE, verified_at=1, seen_at=2
        )
        for letter in "cd"
    ]
    code = RecoveryCode(id="e" * 32, sealed_digest="f" * 150, made_at=1, sealed_copy=None)
    return Account(
        user=USER,
        generation="0" * 32,
        revision="first",
        address=USER,
        recovery_code=code,
        sessions=tuple(sessions),
    )


def compare(label: str, by_hand: Action, by_store: Action) -> None:
    """Print the medians of both and their ratio."""
    costs = side_by_side({"hand": by_hand, "store": by_store}, rounds=ROUNDS, calls=CALLS)
    hand, store = (statistics.median(each) for each in costs.values())
    line(label, hand, store, store / hand)


def run(folder: Path) -> None:
    path = folder / "benchmark.db"
    identity = StoreIdentity(store_id="0" * 32, made_at=0)
    numbers = count(1)
    with (
        closing(SqliteStore(path, create=True, new_identity=identity)) as store,
        closing(connect(path)) as hand,
    ):
        current = account_of_two_sessions()
        store.save(current, [], expected=None)
        hand.execute("CREATE TABLE plain (user TEXT PRIMARY KEY, revision TEXT, body TEXT)")
        body = ACCOUNT_CODEC.encode(current)
        hand.execute("INSERT INTO plain VALUES (?, ?, ?)", (USER, "0", body))
        revision = "0"

        def update_by_hand() -> None:
            nonlocal revision
            new = f"{next(numbers):032x}"
            changed = hand.execute(
                "UPDATE plain SET revision = ?, body = ? WHERE user = ? AND revision = ?",
                (new, body, USER, revision),
            )
            assert changed.rowcount == 1
            revision = new

        def save(event_count: int) -> None:
            nonlocal current
            new = replace(current, revision=f"{next(numbers):032x}")
            event = Event(at=0, user=USER, kind="sign_in.accepted", source="192.0.2.1", save_id=new.revision)
            assert store.save(new, [event] * event_count, expected=current.revision)
            current = new

        def select_by_hand() -> None:
            assert hand.execute("SELECT body FROM plain WHERE user = ?", (USER,)).fetchone() == (body,)

        def decode_by_hand() -> None:
            ACCOUNT_CODEC.decode(hand.execute("SELECT body FROM plain WHERE user = ?", (USER,)).fetchone()[0])

        heading("one call", "us, by hand", "us, store", "ratio")
        compare("save, no event", update_by_hand, lambda: save(0))
        compare("save with one event", update_by_hand, lambda: save(1))
        compare("load, unchanged, against SELECT", select_by_hand, lambda: store.load(USER))
        with closing(SqliteStore(path, create=False, new_identity=identity, accounts_max=0)) as forgetful:
            compare("load, changed, against decode", decode_by_hand, lambda: forgetful.load(USER))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            run(Path(temporary))
