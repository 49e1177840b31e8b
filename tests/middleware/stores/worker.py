"""Another process at the same SQLite store, run by the tests as ``worker.py JOB PATH``.

It says ``ready``, waits for a line on its standard input, and prints what came of its job.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.events import Event
from wsgi_mfa.stores.protocol import StoreIdentity
from wsgi_mfa.stores.sqlite import SqliteStore

USER = "user1@example.com"
IDENTITY = StoreIdentity(store_id=f"{os.getpid():032x}", made_at=0)


def say(text: str) -> None:
    print(text, flush=True)


def wait_for_go() -> None:
    say("ready")
    sys.stdin.readline()


def open_files(path: Path) -> int:
    """How many descriptors of this process are of the store."""
    return sum(str(entry.resolve()).startswith(str(path)) for entry in Path("/proc/self/fd").iterdir())


def make(path: Path) -> None:
    """Make the store, or find that somebody did."""
    wait_for_go()
    with closing(SqliteStore(path, create=True, new_identity=IDENTITY)) as store:
        say(store.identity.store_id)


def race(path: Path) -> None:
    """Save each of users 0 to 19 over the same revision as everybody else, and say which were won."""
    with closing(SqliteStore(path, create=False, new_identity=IDENTITY)) as store:
        wait_for_go()
        won = []
        for number in range(20):
            user = f"user{number}"
            account = Account(user=user, generation="g", revision=f"{os.getpid()}.{number}")
            event = Event(at=0, user=user, kind="raced", save_id=account.revision)
            if store.save(account, [event], expected="first"):
                won.append(user)
        say(" ".join(won))


def save_forever(path: Path) -> None:
    """Count up in the account's instant and say each number once its save is durable."""
    with closing(SqliteStore(path, create=False, new_identity=IDENTITY)) as store:
        wait_for_go()
        account = Account(user=USER, generation="g", revision="0")
        store.save(account, [Event(at=0, user=USER, kind="saved", save_id="0")], expected=None)
        while True:
            number = account.saved_at + 1
            new = replace(account, revision=str(number), saved_at=number, address="x" * (number % 5000))
            event = Event(at=number, user=USER, kind="saved", save_id=new.revision)
            if not store.save(new, [event], expected=account.revision):
                say("lost")
                return
            say(str(number))
            account = new


def fork(path: Path) -> None:
    """Use the store, fork, and use it on both sides; the child tells what was still open in it."""
    with closing(SqliteStore(path, create=False, new_identity=IDENTITY)) as store:
        say(f"after opening: {open_files(path)}")
        store.save(Account(user=USER, generation="g", revision="parent"), [], expected=None)
        say(f"after a save: {'open' if open_files(path) else 'closed'}")
        child = os.fork()
        if child == 0:
            say(f"in the child: {open_files(path)}")
            saved = store.save(Account(user=USER, generation="g", revision="child"), [], expected="parent")
            say(f"child saved: {saved}")
            store.close()
            os._exit(0)
        os.waitpid(child, 0)
        account = store.load(USER)
        say(f"parent sees: {account.revision if account else None}")


def fork_while_busy(path: Path) -> None:
    """Fork twenty times while a thread saves without pause; every child must be able to load and save."""
    with closing(SqliteStore(path, create=False, new_identity=IDENTITY)) as store:
        account = Account(user=USER, generation="g", revision="0")
        store.save(account, [], expected=None)
        stop = threading.Event()
        lost: list[str] = []

        def keep_saving() -> None:
            revision = "0"
            while not stop.is_set():
                new = replace(account, revision=str(int(revision) + 1))
                if not store.save(new, [], expected=revision):
                    lost.append(revision)
                    return
                revision = new.revision
                time.sleep(0.001)  # or SQLite, which is not fair, lets the children wait long

        thread = threading.Thread(target=keep_saving)
        thread.start()
        good = 0
        for number in range(20):
            child = os.fork()
            if child == 0:
                mine = Account(user=f"child{number}", generation="g", revision="1")
                found = store.load(USER) is not None and store.save(mine, [], expected=None)
                os._exit(0 if found else 1)
            good += os.waitpid(child, 0)[1] == 0
        stop.set()
        thread.join()
        say(f"good: {good}, lost: {lost}, users: {len(store.users())}")


JOBS = {job.__name__: job for job in (make, race, save_forever, fork, fork_while_busy)}

if __name__ == "__main__":
    JOBS[sys.argv[1]](Path(sys.argv[2]))
