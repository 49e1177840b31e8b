"""One user's life before the gate that repeats itself exactly, whatever store is behind it and whoever runs it.

Action ``number`` is one request. It follows from the number and from what its user has learned so far; it happens
at an instant of its own, and with chance of its own. So the same life over another store, or in another process,
goes through the same accounts, revision by revision. Run as ``life.py`` it makes of each
line on its standard input a process that lives until it is killed, and prints what its user knows after each answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import sys
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import gate

from wsgi_mfa import KeyRing, MfaMiddleware, RemoteUser
from wsgi_mfa.support.desk import SupportDesk

SECONDS_AN_ACTION = 40
#: What its user may do next, by how often. Each is one request, whatever state it meets.
ACTIONS = {
    "type_code": 12,
    "type_wrong_code": 2,
    "type_recovery_code": 5,
    "type_clock_code": 5,
    "see_recovery_code": 6,
    "save_recovery_code": 6,
    "replace_recovery_code": 3,
    "see_key": 6,
    "confirm": 6,
    "sign_out": 2,
    "look": 1,
    "reset": 1,
}


class Repeatable:
    """Chance that is the same for each action of the same number in the same life."""

    def __init__(self) -> None:
        self.seed = ""
        self.count = 0

    def begin(self, life_count: int, number: int) -> None:
        self.seed, self.count = f"{life_count}/{number}", 0

    def token_bytes(self, count: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(f"{self.seed}/{self.count}".encode()).digest(count)


@dataclass
class Knowledge:
    """What the user knows after some answers; plain values, so that it can be told to another process."""

    life_count: int = 0  # each life begins where another was killed, and has chance of its own
    next_number: int = 0
    key: str = ""
    new_keys: list[str] = field(default_factory=lambda: ["", ""])  # what each browser shows
    recovery_code: str = ""
    enrollment_code: str = ""
    cookies: list[dict[str, str]] = field(default_factory=lambda: [{}, {}])
    answered: str = ""  # the last action and its outcome


class Life:
    """Somebody with two browsers, one phone, a note of the recovery code, and a support desk."""

    def __init__(self, store: Any, knowledge: Knowledge) -> None:
        self.clock, self.chance = gate.StandingClock(), Repeatable()
        self.knows = knowledge
        self.index = 0  # of the browser that acts
        self.middleware = MfaMiddleware(
            gate.application,
            issuer="Client Portal",
            identity=RemoteUser(),
            store=store,
            keys=KeyRing([("k1", bytes(range(32)))]),
            clock=self.clock,
            entropy=self.chance,
            cookie_label="portal",
        )

    def act(self) -> None:
        """Do the next thing, and learn from its answer."""
        knows, number = self.knows, self.knows.next_number
        self.clock.instant = gate.START + number * SECONDS_AN_ACTION * gate.SECOND
        self.chance.begin(knows.life_count, number)
        choice = random.Random(number)
        name = choice.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        if not knows.key:  # to begin with, or after a reset
            name = "confirm"
        self.index = int(choice.random() < 0.1)  # mostly the same browser
        browser = gate.Browser(self.middleware, f"192.0.2.{number % 200}", dict(knows.cookies[self.index]))
        outcome = getattr(self, name)(browser)
        knows.cookies[self.index] = browser.cookies
        knows.next_number, knows.answered = number + 1, f"{name}: {outcome}"

    def code(self, spelt: str, steps: int = 0) -> str:
        if not spelt:
            return "000000"
        key = base64.b32decode(spelt + "=" * (-len(spelt) % 8))
        return gate.code_of(key, self.clock.instant + steps * gate.PERIOD_SECONDS * gate.SECOND)

    def type_code(self, browser: gate.Browser) -> str:
        return browser.post("/mfa/verify", {"code": self.code(self.knows.key)}).outcome

    def type_wrong_code(self, browser: gate.Browser) -> str:
        return browser.post("/mfa/verify", {"code": self.code(self.knows.key, 1000)}).outcome

    def type_clock_code(self, browser: gate.Browser) -> str:
        return browser.post("/mfa/resync", {"code": self.code(self.knows.key)}).outcome

    def type_recovery_code(self, browser: gate.Browser) -> str:
        return browser.post("/mfa/recover", {"recovery_code": self.knows.recovery_code or "none"}).outcome

    def see_recovery_code(self, browser: gate.Browser) -> str:
        answer = browser.get("/mfa/recovery-code")
        self.knows.recovery_code = answer.members.get("recovery_code", self.knows.recovery_code)
        return answer.outcome

    def save_recovery_code(self, browser: gate.Browser) -> str:
        return browser.post("/mfa/recovery-code", {"saved": True}).outcome

    def replace_recovery_code(self, browser: gate.Browser) -> str:
        return browser.post("/mfa/recovery-code", {"action": "replace"}).outcome

    def see_key(self, browser: gate.Browser) -> str:
        if self.knows.enrollment_code:  # a caller of the desk shows its code first
            typed, self.knows.enrollment_code = self.knows.enrollment_code, ""
            return browser.post("/mfa/enroll", {"enrollment_code": typed}).outcome
        answer = browser.get("/mfa/enroll")
        self.knows.new_keys[self.index] = answer.members.get("key", "").replace(" ", "")
        return answer.outcome

    def confirm(self, browser: gate.Browser) -> str:
        if not self.knows.new_keys[self.index]:
            return self.see_key(browser)
        outcome = browser.post("/mfa/enroll", {"code": self.code(self.knows.new_keys[self.index])}).outcome
        if outcome in ("signed_in", "must_save_recovery_code"):
            self.knows.key = self.knows.new_keys[self.index]
        return outcome

    def sign_out(self, browser: gate.Browser) -> str:
        return browser.post("/mfa/sign-out", {}).outcome

    def look(self, browser: gate.Browser) -> str:
        return browser.get("/").outcome

    def reset(self, browser: gate.Browser) -> str:
        answer = SupportDesk(self.middleware.service).reset(
            gate.USER, email=gate.USER, reason="new phone", agent="desk@example.com"
        )
        self.knows.key, self.knows.new_keys = "", ["", ""]
        self.knows.enrollment_code = answer.enrollment_code or ""
        return str(answer.outcome.value)


def live(path: str, knowledge: Knowledge) -> None:
    """Act without end."""
    with closing(gate.sqlite_store(path)) as store:
        life = Life(store, knowledge)
        print(f"born {os.getpid()}", flush=True)
        while True:
            life.act()
            print(json.dumps(asdict(life.knows)), flush=True)


if __name__ == "__main__":
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()  # quicker than another interpreter
        if child == 0:
            live(job["path"], Knowledge(**job["knowledge"]))
        os.waitpid(child, 0)
        print("dead", flush=True)
