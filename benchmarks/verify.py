"""What verifying a code costs with its durable save, beside the work by hand and beside django-otp.

By hand: three HMACs, one for each step of the window, and one durable conditional UPDATE. All keep their rows in
SQLite files of one folder, write-ahead logged, and wait for the disk at each save. Every call is given the right
code of a new step, half a minute after the last one.

django-otp is measured twice: ``verify_token`` alone, on a device that is in memory already, and what a portal's view
for codes calls, ``match_token`` and ``login``, which look the device up and keep in the session that it was used.
Ours looks the account up, opens a session and writes its event in any case.

Run ``python benchmarks/verify.py [FOLDER]``; the folder (default: a temporary one) decides which disk is measured.
Both the time on the clock, in which saves wait for the disk, and that of the processor are told.
"""

from __future__ import annotations

import base64
import hmac
import logging
import sqlite3
import statistics
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
import pyotp
from django.conf import settings
from django.core.management import call_command
from harness import Action, heading, line, processor_time, side_by_side

from wsgi_mfa import KeyRing, Policy, SqliteStore
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.service import MfaService, Visit
from wsgi_mfa.stores.protocol import StoreIdentity

USER = "user1@example.com"
KEY = b"a key of twenty bytes"[:20]
FIRST_STEP = 60_000_000
STEP_SECONDS = 30
WINDOW = (-1, 0, 1)
ROUNDS = 100
CALLS = 5
STEPS = 2 * (ROUNDS + 1) * CALLS + 2


class SteppedClock:
    """A step later at each new code; the codes are worked out before anybody's time counts."""

    def __init__(self, key: bytes) -> None:
        hotp = pyotp.HOTP(base64.b32encode(key).decode())
        self._codes = iter([(step, hotp.at(step)) for step in range(FIRST_STEP, FIRST_STEP + STEPS)])
        self.step = FIRST_STEP

    def new_code(self) -> str:
        self.step, code = next(self._codes)
        return code

    def now(self) -> int:
        return (self.step * STEP_SECONDS + 5) * 1_000_000

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody races here")


class KnownKey(SystemEntropy):
    """Chance, but for the key, so that its codes can be worked out before."""

    def token_bytes(self, count: int) -> bytes:
        return KEY if count == len(KEY) else super().token_bytes(count)


def ours(path: Path) -> Action:
    """The service over its SQLite store, for a user with a phone."""
    clock = SteppedClock(KEY)
    store = SqliteStore(path, create=True, new_identity=StoreIdentity(store_id="0" * 32, made_at=0))
    keys = KeyRing([("k1", b"1" * 32)])
    service = MfaService(store=store, keys=keys, policy=Policy(), clock=clock, entropy=KnownKey())

    def visit(browser: str, session_id: str | None, known: tuple[str, ...] = ()) -> Visit:
        origin = Origin(
            browser=browser,
            next_browser=service.vault.new_id(),
            session_id=session_id,
            known_secrets=known,
        )
        return Visit(user=USER, origin=origin, now=clock.now())

    def known_secret(session_id: str | None) -> str:
        """The browser has it from its reply; worked out again, which costs what the cookie costs a server."""
        return service.vault.known_secret(USER, session_id or "")

    begun = visit(service.vault.new_id(), None)
    service.begin_enrollment(begun)
    account = store.load(USER)
    assert account is not None
    confirmed = service.confirm_enrollment(begun, clock.new_code(), pending_id=account.pending[0].id)
    assert confirmed.account is not None
    code, tablet = clock.new_code(), visit(service.vault.new_id(), None)
    assert service.verify_code(tablet, code).account is not None  # two sessions, as most users have
    browser, session_id = begun.origin.next_browser, confirmed.session_id
    secret = known_secret(session_id)

    def verify() -> None:
        nonlocal browser, session_id, secret
        # A browser keeps the cookie by which it is known; without it each code would make another one known.
        code, asked = clock.new_code(), visit(browser, session_id, (secret,))
        decision = service.verify_code(asked, code)
        assert decision.account is not None, decision.outcome
        browser, session_id = asked.origin.next_browser, decision.session_id
        secret = known_secret(session_id)

    return verify


def by_hand(path: Path) -> Action:
    """Three HMACs and one conditional UPDATE."""
    clock = SteppedClock(KEY)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE devices (user TEXT PRIMARY KEY NOT NULL, last_step INTEGER NOT NULL)")
    connection.execute("INSERT INTO devices VALUES (?, 0)", (USER,))

    def code_at(step: int) -> str:
        digest = hmac.digest(KEY, step.to_bytes(8, "big"), "sha1")
        offset = digest[-1] & 15
        return f"{(int.from_bytes(digest[offset : offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"

    def verify() -> None:
        code = clock.new_code()
        steps = [clock.step + offset for offset in WINDOW]
        found = [step for step in steps if hmac.compare_digest(code_at(step), code)]
        changed = connection.execute(
            "UPDATE devices SET last_step = ? WHERE user = ? AND last_step < ?", (found[0], USER, found[0])
        )
        assert changed.rowcount == 1

    return verify


def django_otp(path: Path) -> tuple[Action, Action]:
    """``TOTPDevice.verify_token`` on a device that is in memory already; and a whole sign-in, in one transaction."""
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(path),
                "OPTIONS": {"init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"},
            }
        },
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django_otp",
            "django_otp.plugins.otp_totp",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        SECRET_KEY="the secret of a portal in benchmarks",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import transaction
    from django_otp import login, match_token
    from django_otp.plugins.otp_totp import models

    clocks = {name: SteppedClock(KEY) for name in ("verifying", "signing in")}
    users = {name: User.objects.create(username=name) for name in clocks}
    devices = {
        name: models.TOTPDevice.objects.create(user=user, key=KEY.hex(), name="phone")
        for name, user in users.items()
    }

    def new_code(name: str) -> str:
        code = clocks[name].new_code()
        models.time = SimpleNamespace(time=lambda: clocks[name].now() / 1_000_000)
        return code

    def verify() -> None:
        assert devices["verifying"].verify_token(new_code("verifying"))

    request: Any = SimpleNamespace(user=users["signing in"], session=SessionStore())

    def sign_in() -> None:
        with transaction.atomic():
            device = match_token(request.user, new_code("signing in"))
            assert device is not None
            login(request, device)
            request.session.save()

    return verify, sign_in


def run(folder: Path) -> None:
    verify, sign_in = django_otp(folder / "django.db")
    cases = {
        "by hand: three HMACs, one UPDATE": by_hand(folder / "hand.db"),
        "wsgi-mfa, verify_code": ours(folder / "ours.db"),
        "django-otp, verify_token": verify,
        "django-otp, match_token and login": sign_in,
    }
    waiting = side_by_side(cases, rounds=ROUNDS, calls=CALLS)
    working = side_by_side(cases, rounds=ROUNDS, calls=CALLS, clock=processor_time)
    hand, *_ = cases
    heading("one right code, saved", "us, median", "of by hand", "us, working", "of by hand")
    for name in cases:
        median, best = statistics.median(waiting[name]), min(working[name])
        line(name, median, median / statistics.median(waiting[hand]), best, best / min(working[hand]))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    if len(sys.argv) > 1:
        run(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            run(Path(temporary))
