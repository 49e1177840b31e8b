"""Stands at the server's door and at the store, and hands what passes to the judges."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token

from mfa_simulator.invariants.access import AccessJudge
from mfa_simulator.invariants.answers import AnswerJudge
from mfa_simulator.invariants.app_passwords import AppPasswordJudge
from mfa_simulator.invariants.audit_events import AuditEventJudge
from mfa_simulator.invariants.call import JudgedCall, Save
from mfa_simulator.invariants.failure_counts import FailureCounts
from mfa_simulator.invariants.ledger import Ledger, Violation
from mfa_simulator.invariants.replies import ReplyJudge
from mfa_simulator.invariants.rollout import UsersNotYetRequired
from mfa_simulator.invariants.second_factor import SecondFactorJudge
from mfa_simulator.invariants.secrecy import SecrecyJudge
from mfa_simulator.invariants.support_desk import SupportDeskJudge
from mfa_simulator.invariants.throttle import ThrottleJudge
from mfa_simulator.language.format import invariant_names
from mfa_simulator.language.scenario import AGENTS, Scenario
from mfa_simulator.world.http import Request, Response
from mfa_simulator.world.portal import Portal
from wsgi_mfa import Event, Policy
from wsgi_mfa.accounts import Account

# Requests that are served at the same time run in contexts of their own.
_current: ContextVar[JudgedCall | None] = ContextVar("call", default=None)


class Monitor:
    """Sees every request, every save and every log line of a run, and knows what is broken.

    `latest` gives the latest events that the store keeps and `load` an account of it, past any failure.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        portal: Callable[[], Portal],
        latest: Callable[[int], list[Event]],
        load: Callable[[str], Account | None],
    ) -> None:
        self._ledger = Ledger(off=scenario.off)
        self._nothing_to_judge = scenario.off >= set(invariant_names.INVARIANTS)
        self._load = load
        passwords = {user.name.casefold(): user.password for user in scenario.users}
        self._programs = AppPasswordJudge(self._ledger, passwords) if scenario.programs else None
        self._access = AccessJudge(
            self._ledger,
            passwords=passwords,
            not_yet_required=UsersNotYetRequired(
                {user.name.casefold(): user.groups for user in scenario.users}
            ),
            portal=portal,
        )
        self._factors = SecondFactorJudge(self._ledger)
        self._guesses = ThrottleJudge(self._ledger)
        self._answers = AnswerJudge(self._ledger)
        self._secrecy = SecrecyJudge(self._ledger)
        self._replies = ReplyJudge(self._ledger)
        self._changes = AuditEventJudge(self._ledger, latest)
        self._desk = SupportDeskJudge(
            self._ledger,
            agents=[user.name.casefold() for user in scenario.users if AGENTS in user.groups],
        )

    @property
    def ledger(self) -> Ledger:
        """What the judges know."""
        return self._ledger

    def tally(self, user: str) -> FailureCounts:
        """Give what was counted of a user's wrong answers of codes in browsers that are not known."""
        return self._guesses.tally(user)

    def password_changed(self, user: str, password: str) -> None:
        """Take a new password of a user of the portal."""
        self._access.password_changed(user, password)

    def user_removed(self, user: str) -> None:
        """Take note that the portal has no such user any more."""
        self._access.user_removed(user)

    def logins_ended(self) -> None:
        """Take note that the portal has ended all of its logins."""
        self._ledger.logins.clear()
        self._ledger.cookies_in_clear.clear()

    def store_restored(self, accounts: Mapping[str, Account]) -> None:
        """Take the accounts of a restored backup; sessions that it does not know have ended."""
        self._ledger.accounts.clear()
        self._ledger.accounts.update(accounts)
        known = {session.id for account in accounts.values() for session in account.sessions}
        number = self._ledger.next_number()
        for session_id, grant in self._ledger.grants.items():
            if session_id not in known and grant.ended is None:
                grant.ended, grant.cause = number, "a restored backup"

    def take_violations(self) -> tuple[Violation, ...]:
        """Return the violations found since the last call, and forget them."""
        broken = tuple(self._ledger.broken)
        self._ledger.broken.clear()
        return broken

    def served(
        self, request: Request, answer: Callable[[Request], Response], *, at: int, now: int, policy: Policy
    ) -> Response:
        """Have a request answered under watch; `at` is true time and `now` what the worker's clock shows."""
        if self._nothing_to_judge:
            return answer(request)
        call = JudgedCall(
            request=request,
            user=None,
            at=at,
            now=now,
            policy=policy,
            number=self._ledger.next_number(),
            closed={},
        )
        call.user = self._access.user_of(call.cookies)
        if request.method == "POST":
            call.closed = self._guesses.closed(call)
        worth = self._answers.before(call) if request.method == "POST" else None
        was_good = self._programs is not None and self._programs.is_good(call)
        token = _current.set(call)
        try:
            response = call.response = answer(request)
        finally:
            _current.reset(token)
        self._compare(call)
        self._access.judge(call)
        if self._programs is not None:
            self._programs.judge(call, was_good=was_good)
            self._programs.judge_logs(call)
        if request.method == "POST":
            self._guesses.replied(call)
        self._answers.judge(call, worth)
        self._replies.judge(call)
        self._secrecy.replied(call)
        self._secrecy.judge_logs(call)
        return response

    @contextmanager
    def at_the_desk(self, user: str, *, at: int, now: int, policy: Policy) -> Iterator[SupportDeskMonitor]:
        """Watch what the support desk does to an account."""
        name = user.casefold()
        call = JudgedCall(
            request=None,
            user=name,
            at=at,
            now=now,
            policy=policy,
            number=self._ledger.next_number(),
            closed={},
        )
        token: Token[JudgedCall | None] = _current.set(call)
        try:
            yield SupportDeskMonitor(call, self._ledger, self._access)
        finally:
            _current.reset(token)
        self._compare(call)
        self._secrecy.judge_logs(call)

    def saved(self, before: Account | None, after: Account, events: Sequence[Event]) -> None:
        """Take a save that is durable, whoever will hear of it."""
        call = _current.get()
        if call is None:
            return
        save = Save(before=before, after=after, events=tuple(events))
        call.saves.append(save)
        self._ledger.accounts[after.user] = after
        number = self._ledger.next_number()
        self._factors.judge(call, save)
        self._access.saved(call, save, number)
        self._guesses.judge(call, save)
        self._changes.judge(call, save)
        self._desk.judge(call, save)
        if self._programs is not None:
            self._programs.saved(call, save)
        self._replies.judge_save(call, save)
        self._secrecy.judge_save(call, save)

    def _compare(self, call: JudgedCall) -> None:
        """The store holds what was saved last, of every user (compared by identity: accounts never change)."""
        for user, account in self._ledger.accounts.items():
            if self._load(user) is not account:
                seen = "the store holds another account than was saved last"
                self._ledger.report(invariant_names.EVENTS, seen, call, user=user)

    @contextmanager
    def reading_logs(self, name: str) -> Iterator[None]:
        """Read what a logger and those below it say, down to the audit lines."""
        logger, reader, level = (
            logging.getLogger(name),
            _LogReader(logging.INFO),
            logging.getLogger(name).level,
        )
        logger.addHandler(reader)
        logger.setLevel(min(level, logging.INFO) if level else logging.INFO)
        try:
            yield
        finally:
            logger.removeHandler(reader)
            logger.setLevel(level)


class SupportDeskMonitor:
    """What is noted of one visit at the support desk."""

    def __init__(self, call: JudgedCall, ledger: Ledger, doors: AccessJudge) -> None:
        self._call = call
        self._ledger = ledger
        self._access = doors

    def answered(self, outcome: str, code: str | None) -> None:
        """Take the desk's answer; its enrollment or unlock code is for the caller's ears alone."""
        if code is not None:
            self._ledger.enrollment_codes.append(code)
        if outcome == "reset" and self._call.user is not None:
            self._access.reset_answered(self._call, self._call.user)


class _LogReader(logging.Handler):
    def emit(self, entry: logging.LogRecord) -> None:
        call = _current.get()
        if call is not None:
            error = f" {entry.exc_info[1]!r}" if entry.exc_info else ""
            call.logs.append(entry.getMessage() + error)
