"""At the end of a story, with all faults off: who may get in does get in.

That is tried in a second world with the same accounts, so that nothing of the story itself changes. The first user's
phone goes by the pages, as people do, and all else by JSON, which costs a third of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from mfa_simulator.errors import StepError
from mfa_simulator.invariants.call import account_text
from mfa_simulator.invariants.ledger import Violation
from mfa_simulator.language.format.invariant_names import INVARIANTS, LIVENESS
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.language.scenario import NetworkSpec
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.browser import Browser
from mfa_simulator.world.clocks import WallClock
from mfa_simulator.world.json_client import JsonClient
from mfa_simulator.world.phone import key_from_uri
from mfa_simulator.world.user_actor import UserActor
from wsgi_mfa import MfaError
from wsgi_mfa.accounts import Account
from wsgi_mfa.support import Done

B = TypeVar("B", bound=Browser)

PATIENCE_STEPS = 40  # a step further ahead was used up by a wrong clock, which only the desk mends (D22)


def judge_liveness(world: World, wall: WallClock) -> tuple[Violation, ...]:
    """Try every way in for every user who has an account; give what did not open."""
    # A user goes by the name that the portal has now.
    there = [(state.spec.name, name) for name, state in world.user_states.items() if not state.is_deleted]
    found = [(login, world.account(name)) for login, name in there]
    accounts = {name: account for name, account in found if account is not None}
    if LIVENESS in world.scenario.off or not accounts:
        return ()
    twin = _twin(world, wall, list(accounts.values()))
    with twin.recorder.recording():
        trials = [
            _Trial(world, twin, name, account, by_pages=number == 0)
            for number, (name, account) in enumerate(accounts.items())
        ]
        return tuple(broken for trial in trials for broken in trial.judge())


def _twin(world: World, wall: WallClock, accounts: list[Account]) -> World:
    """Give a world that goes on from the same accounts at the same moment: one worker, right clocks, no faults."""
    users = tuple(state.spec for state in world.user_states.values() if not state.is_deleted)
    scenario = replace(
        world.scenario, users=users, network=NetworkSpec(), workers=1, off=frozenset(INVARIANTS)
    )
    twin = World(scenario, wall, world.factory)
    twin.time.wait_until(world.time.now())
    twin.policy, twin.key_texts = world.policy, world.key_texts
    with twin.recorder.recording():
        for account in accounts:
            twin.store.save(account, (), expected=None)
    # Ids are never used twice, and those of the story's own streams are.
    twin.workers[0].entropy = world.chance("the end of the story")
    twin.restart()
    return twin


class _Trial:
    """One user's ways in, each from a browser of its own; the reset comes last, since it ends the others."""

    def __init__(self, world: World, twin: World, name: str, account: Account, *, by_pages: bool) -> None:
        self._world = world
        self._twin = twin
        self._name = name
        self._account = account
        self._by_pages = by_pages
        self._shown: str | None = None

    def judge(self) -> Iterator[Violation]:
        ways = {
            "a good phone": self._by_phone,
            "the current recovery code": self._by_recovery_code,
            "a reset by the desk": self._by_reset,
        }
        for way, attempt in ways.items():
            try:
                outcome = attempt(way)
            except (StepError, MfaError) as error:
                outcome = f"an error: {error}"
            if outcome not in (None, "signed_in"):
                yield self._broken(way, outcome or "")

    def _broken(self, way: str, outcome: str) -> Violation:
        return Violation(
            invariant=LIVENESS,
            at=self._world.time.now(),
            user=self._name,
            request="the end of the story",
            seen=f"the right password and {way} came to {outcome}",
            before=account_text(self._account),
        )

    def _fresh(self, kind: type[B], way: str) -> B:
        twin = self._twin
        return kind(
            name=f"{self._name} with {way}", network=twin.network, time=twin.time, recorder=twin.recorder
        )

    def _at_the_challenge(self, way: str) -> tuple[str, JsonClient]:
        """Type the right password in a browser of its own; give what the portal came to."""
        client = self._fresh(JsonClient, way)
        return UserActor(self._twin, client, self._twin.user_states[self._name]).arrive(), client

    def _at_the_pages(self, way: str, code: str) -> str:
        """Type the right password in a browser of its own, and the code into the page that asks for it."""
        browser = self._fresh(Browser, way)
        visitor = UserActor(self._twin, browser, self._twin.user_states[self._name])
        outcome = visitor.arrive()
        if outcome == "must_verify":
            outcome = visitor.type_code(lambda: code, typing=0, finish=_stored)
        written = self._twin.user_states[self._name].recovery_codes
        self._shown = written[-1] if written else None
        return "signed_in" if outcome == "welcome" else outcome

    def _let_in(self, client: JsonClient, outcome: str) -> str:
        """Store the recovery code if the answer showed one, and open the portal."""
        if outcome == "must_save_recovery_code":
            client.ask("recovery-code")
            self._shown = client.told("recovery_code") or self._shown
            outcome = client.answer("recovery-code", saved=True)
        if outcome == "must_choose_app_passwords":
            outcome = client.answer("keep-app-passwords")
        if outcome == "signed_in":
            outcome = client.open("/")
        return "signed_in" if outcome == "welcome" else outcome

    def _by_phone(self, way: str) -> str | None:
        """A phone with the active key, whose clock is as wrong as the portal has learned (D18)."""
        time, phone = self._twin.time, self._account.authenticator
        key = self._world.monitor.ledger.keys.get(phone.id) if phone is not None else None
        if phone is None or key is None or not self._opens():
            return None
        period = key.period_seconds * SECOND
        step = time.now() // period + 1
        while step + phone.drift_steps <= phone.last_step or step + phone.drift_steps in phone.used_steps:
            step += 1
        if step - time.now() // period > PATIENCE_STEPS:
            return None
        time.wait_until(step * period)
        code = key.code_at(step + phone.drift_steps)
        if self._by_pages:
            return self._at_the_pages(way, code)
        outcome, client = self._at_the_challenge(way)
        if outcome == "must_verify":
            outcome = client.answer("verify", code=code)
        return self._let_in(client, outcome)

    def _by_recovery_code(self, way: str) -> str | None:
        code, present = self._account.recovery_code, self._twin.account(self._name)
        text = self._world.monitor.ledger.recovery_codes.get(code.id) if code is not None else None
        if code is not None and present is not None and present.recovery_code is not None:
            # One that nobody has stored for a month was replaced when the phone signed in (D13).
            text = text if present.recovery_code.id == code.id else self._shown
        if self._account.authenticator is None or text is None:
            return None
        outcome, client = self._at_the_challenge(way)
        if outcome == "must_verify":
            outcome = client.answer("recover", recovery_code=text)
        return self._let_in(client, outcome)

    def _by_reset(self, way: str) -> str | None:
        """The desk resets the account, and the user enrolls a new phone, by the desk's code if it gave one."""
        address = self._twin.user_states[self._name].spec.email or self._account.address
        if address is None or self._twin.policy.enrollment == "closed":
            return None
        for agent in ("an agent", "another agent")[: self._twin.policy.reset_agents]:
            result = self._twin.desk().reset(self._name, email=address, reason=way, agent=agent)
            if isinstance(result, Done):
                break  # an agent of the story had asked for it already
        if not isinstance(result, Done):
            return f"{result.outcome.value}: {result.message}"
        outcome, client = self._at_the_challenge(way)
        if outcome == "must_enroll" and result.enrollment_code is not None:
            outcome = client.answer("enroll", enrollment_code=result.enrollment_code)
        if outcome == "must_enroll":
            outcome = client.ask("enroll")
        uri = client.told("otpauth_uri")
        if outcome == "must_enroll" and uri is not None:
            key = key_from_uri(uri)
            outcome = client.answer("enroll", code=key.code_at(key.step_at(self._twin.time.now())))
        return self._let_in(client, outcome)

    def _opens(self) -> bool:
        """Wait for the end of a lock; a spent budget has none that is near (D47)."""
        tally, time = self._world.monitor.tally(self._account.user), self._twin.time
        if tally.spent(time.now(), self._twin.policy):
            return False
        if tally.locked_since is not None:
            time.wait_until(max(time.now(), tally.locked_since + tally.locked_seconds * SECOND))
        return True


def _stored(who: UserActor) -> str:
    """What a sign-in comes to, once a recovery code that the page shows is stored."""
    outcome = who.store_recovery_code(True)
    return who.keep_app_passwords(()) if outcome == "must_choose_app_passwords" else outcome
