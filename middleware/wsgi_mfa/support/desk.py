"""The support desk: one service behind the command line, the pages and JSON (R44-R47).

An agent names a user and the address that the caller gave; only where both belong together anything happens.
Agents see outcomes, never a key or a recovery code. The one secret that passes through their hands is an
enrollment code for a caller who was verified while somebody was guessing (D15).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wsgi_mfa.core import commands
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import Command, Origin
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.expiry import without_expired, younger
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.core.spellings import account_name
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import InvalidUserError, StoreUnavailableError
from wsgi_mfa.service import STUBBORN_SECONDS, MfaService, Visit
from wsgi_mfa.support.addresses import address_of, spell_the_same
from wsgi_mfa.support.agents import NO_AGENTS, SupportAgents
from wsgi_mfa.support.results import Done, Rejected, SupportResult

SESSION_CHARACTERS = 8  # of a session's id: enough to tell the sessions of one account apart
_PEER = "support"
_NEEDS_ANOTHER = "is reset when another agent asks for it too, within 10 minutes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call: the account ``user``, the address that the caller gave, why, and who of the desk acts from where.

    ``seen_generation`` is the generation on the agent's screen (D12), and ``once`` a random word of that screen, by
    which a form that is sent twice is known; both are None where there is no screen.
    """

    user: str
    email: str | None
    reason: str
    agent: str
    ticket: str = ""
    source: str = _PEER
    seen_generation: str | None = None
    once: str | None = None


class SupportDesk:
    """Resets and unlocks accounts over one service; accounts of ``protected`` agents are left alone (R47)."""

    def __init__(
        self,
        service: MfaService,
        *,
        directory: Callable[[str], Person | None] | None = None,
        protected: SupportAgents = NO_AGENTS,
    ) -> None:
        self.service = service
        self._directory = directory
        self._protected = protected

    def reset(self, user: str, *, email: str, reason: str, agent: str, ticket: str = "") -> SupportResult:
        """Forget the user's phone, recovery code and sessions; the next sign-in enrolls anew (R45)."""
        return self.reset_for(Call(user=user, email=email, reason=reason, agent=agent, ticket=ticket))

    def reset_for(self, call: Call) -> SupportResult:
        """As :meth:`reset`; the same form again within ``retry_seconds`` gets the same answer (D10)."""
        code, generation = "", ""
        vault = self.service.vault

        def command(name: str) -> Command:
            nonlocal code, generation
            once = _form_of(call)
            generation = vault.new_id() if once is None else vault.id_for(name, once)
            code, sealed = vault.new_enrollment_code(name, once=once)
            return commands.ResetBySupport(
                agent=call.agent,
                reason=call.reason,
                ticket=call.ticket,
                generation=generation,
                enrollment_code=sealed,
                seen_generation=call.seen_generation,
                source=call.source,
            )

        applied = self._applied(call, command)
        if isinstance(applied, Rejected):
            if applied.reason is Reason.CHANGED_MEANWHILE and _form_of(call) is not None:
                user = account_name(call.user, self.service.load)
                return self._reset_before(user, generation, code) or applied
            return applied
        needed = applied.decision.reason is Reason.ENROLLMENT_CODE_NEEDED
        return self._told_of_reset(applied.user, code if needed else None)

    def _reset_before(self, user: str, generation: str, code: str) -> Done | None:
        """Return the result of a reset that this very form has made a moment ago; None if it was another change."""
        context = self.service.context()
        account = self.service.load(user)
        if account is None or account.generation != generation or account.reset_at is None:
            return None
        if not younger(account.reset_at, context, seconds=context.policy.retry_seconds):
            return None
        unused = account.enrollment_browser is None and without_expired(account, context).enrollment_code
        return self._told_of_reset(user, code if unused else None)

    def _told_of_reset(self, user: str, code: str | None) -> Done:
        if code is None:
            return Done(outcome=Outcome.RESET, user=user, message=f"reset: {user} must enroll anew")
        seconds = self.service.policy.enrollment_seconds_max
        return Done(
            outcome=Outcome.RESET,
            user=user,
            message=(
                f"reset: {user} must enroll anew, and is asked for the enrollment code below. It works"
                f" once, within {f'{seconds // 60} minutes' if seconds >= 120 else f'{seconds} seconds'}: give it to"
                " the verified caller only. Unless the wrong codes were the caller's own, somebody else knows the"
                " password, and the password must be changed first."
            ),
            enrollment_code=code,
        )

    def unlock(
        self, user: str, *, email: str, reason: str, agent: str, clock: bool = False, ticket: str = ""
    ) -> SupportResult:
        """Give the caller a one-time code; ``clock`` corrects a last step in the future (D22, D47)."""
        call = Call(user=user, email=email, reason=reason, agent=agent, ticket=ticket)
        return self.unlock_for(call, clock=clock)

    def unlock_for(self, call: Call, *, clock: bool = False) -> SupportResult:
        """As :meth:`unlock`; the same form again, soon, gives the same code."""
        code = ""

        def command(name: str) -> Command:
            nonlocal code
            code, sealed = self.service.vault.new_unlock_code(name, once=self._once_of(call))
            return commands.UnlockBySupport(
                agent=call.agent,
                reason=call.reason,
                ticket=call.ticket,
                unlock_code=sealed,
                clock=clock,
                seen_generation=call.seen_generation,
                source=call.source,
            )

        if isinstance(applied := self._applied(call, command), Rejected):
            return applied
        if applied.decision.outcome is not Outcome.UNLOCKED:
            return Rejected(
                message=f"{applied.user!r} has no phone to be locked out of", reason=Reason.NO_PHONE
            )
        minutes = self.service.policy.enrollment_seconds_max // 60
        return Done(
            outcome=Outcome.UNLOCKED,
            user=applied.user,
            message=(
                f"unlocked: {applied.user} gives the unlock code below at the page that asks for a code. It works once,"
                f" within {minutes} minutes, and makes that browser known. Give it to the verified caller only."
            ),
            unlock_code=code,
        )

    def _once_of(self, call: Call) -> str | None:
        """What stands for the code of one form, for as long as a code lives; None where there was no form."""
        window = self.service.clock.now() // (self.service.policy.enrollment_seconds_max * SECOND)
        return None if call.once is None else f"{call.agent}\0{call.once}\0{window}"

    def forget_drift(
        self, user: str, *, email: str, reason: str, agent: str, ticket: str = ""
    ) -> SupportResult:
        """Take what was learned of the phone's clock for wrong, after this server's was (D18)."""
        return self.forget_drift_for(Call(user=user, email=email, reason=reason, agent=agent, ticket=ticket))

    def forget_drift_for(self, call: Call) -> SupportResult:
        """As :meth:`forget_drift`."""
        command = commands.ForgetDrift(
            agent=call.agent, reason=call.reason, ticket=call.ticket, source=call.source
        )
        applied = self._applied(call, lambda _: command)
        if isinstance(applied, Rejected):
            return applied
        changed = applied.decision.account is not None
        known = "its phone's clock counts as right" if changed else "nothing was learned of its clock"
        message = f"forgotten: {applied.user}, {known}"
        return Done(outcome=Outcome.RESYNCED, user=applied.user, message=message)

    def end_sessions_for(self, call: Call, *, session: str | None = None) -> SupportResult:
        """End the one open session whose id begins with ``session``, or all; the next request needs a code."""
        context = self.service.context()
        ids: list[str] = []

        def command(name: str) -> Command:
            account = self.service.load(name)
            if account is not None:
                ids.extend(each.id for each in without_expired(account, context).sessions)
            found = [each for each in ids if session and each.startswith(session)]
            if session is not None and (len(session) < SESSION_CHARACTERS or len(found) != 1):
                raise _UnknownSessionError
            return commands.EndSessions(
                session_id=None if session is None else found[0],
                cause="support",
                forgetting=True,
                agent=call.agent,
                reason=call.reason,
                ticket=call.ticket,
                source=call.source,
            )

        try:
            applied = self._applied(call, command)
        except _UnknownSessionError:
            return Rejected(message="there is no such open session of this user", reason=Reason.WRONG_PAIR)
        if isinstance(applied, Rejected):
            return applied
        count = 0 if applied.decision.account is None else 1 if session is not None else len(ids)
        sessions = (
            "no session was open" if count == 0 else f"{count} session{'' if count == 1 else 's'} ended"
        )
        message = f"{applied.user}: {sessions}"
        return Done(outcome=Outcome.SIGNED_OUT, user=applied.user, message=message)

    def invite(
        self, user: str, *, email: str | None, reason: str, agent: str, ticket: str = ""
    ) -> SupportResult:
        """Give a one-time code to somebody who has no phone bound, and perhaps no account yet (R41, D33).

        ``email`` may be None only where neither the account nor the directory has an address to compare with.
        """
        return self.invite_for(Call(user=user, email=email, reason=reason, agent=agent, ticket=ticket))

    def invite_for(self, call: Call) -> SupportResult:
        """As :meth:`invite`; the same form again, soon, gives the same code."""
        code = ""

        def command(name: str) -> Command:
            nonlocal code
            code, sealed = self.service.vault.new_enrollment_code(name, once=self._once_of(call))
            return commands.InviteBySupport(
                agent=call.agent,
                reason=call.reason,
                ticket=call.ticket,
                enrollment_code=sealed,
                source=call.source,
            )

        applied = self._applied(call, command, newcomer=True)
        if isinstance(applied, Rejected):
            return applied
        minutes = self.service.policy.enrollment_seconds_max // 60
        return Done(
            outcome=Outcome.MUST_ENROLL,
            user=applied.user,
            message=(
                f"invited: {applied.user} is asked for the enrollment code below, which works once within {minutes}"
                " minutes. Give it to the verified caller only."
            ),
            enrollment_code=code,
        )

    def _applied(
        self, call: Call, command: Callable[[str], Command], *, newcomer: bool = False
    ) -> _Applied | Rejected:
        """Check the call and carry the command out on the account that it names."""
        for word, text in (("reason", call.reason), ("agent", call.agent), ("ticket", call.ticket or "-")):
            if not text.strip() or not text.isprintable():
                message = f"{word} must be one line of printable text, for the record"
                return Rejected(message=message, reason=Reason.UNPRINTABLE)
        try:
            name = account_name(call.user, self.service.load)
            account = self.service.load(name)
            rejected = self._mismatch(name, account, call, newcomer=newcomer)
            if rejected is not None:
                return rejected
            decision = self.service.apply(
                self._visit(name, call.source), command(name), patience_seconds=STUBBORN_SECONDS
            )
        except InvalidUserError as error:
            return Rejected(message=str(error), reason=Reason.WRONG_PAIR)
        except StoreUnavailableError as error:
            return Rejected(message=str(error), reason=None, outcome=Outcome.UNAVAILABLE)
        if decision.reason is Reason.ENROLLMENT_CLOSED:
            return Rejected(message="the policy has enrollment = closed", reason=decision.reason)
        if decision.reason is Reason.SECOND_AGENT_NEEDED:
            return Rejected(message=f"{name!r} {_NEEDS_ANOTHER}", reason=decision.reason)
        if decision.outcome is Outcome.REFUSED:
            message = "the account was changed meanwhile; look at it again"
            return Rejected(message=message, reason=Reason.CHANGED_MEANWHILE)
        return _Applied(user=name, decision=decision)

    def _mismatch(self, name: str, account: Account | None, call: Call, *, newcomer: bool) -> Rejected | None:
        """Return the rejection of a caller who may not have anything done to this account; None otherwise."""
        if account is None and not newcomer:
            return Rejected(message=f"nobody has signed in as {name!r} yet", reason=Reason.WRONG_PAIR)
        if newcomer and account is not None and account.authenticator is not None:
            return Rejected(
                message=f"{name!r} has a phone: reset the account instead", reason=Reason.HAS_PHONE
            )
        if spell_the_same(call.agent, name):
            return Rejected(message="nobody resets or unlocks their own account", reason=Reason.OWN_ACCOUNT)
        person = self._directory(name) if self._directory is not None else None
        if self._protected.has(name, person.groups if person is not None else ()):
            return Rejected(
                message=f"{name!r} is an agent of the desk: use the command",
                reason=Reason.AGENTS_ACCOUNT,
            )
        if newcomer and self._directory is not None and person is None:
            return Rejected(message=f"the directory does not know {name!r}", reason=Reason.WRONG_PAIR)
        address = address_of(name, account, person, directed=self._directory is not None)
        if address is None:
            if newcomer:
                return None
            return Rejected(
                message=f"{name!r} has no e-mail address: give MfaMiddleware a directory= that knows it; or remove"
                f" the account and invite the user (wsgi-mfa accounts remove, wsgi-mfa support invite)",
                reason=Reason.NO_ADDRESS,
            )
        if call.email is None:
            return Rejected(
                message=f"the e-mail address of {name!r} is needed, as the caller gave it",
                reason=Reason.WRONG_PAIR,
            )
        if not spell_the_same(call.email, address):
            return Rejected(
                message=f"the e-mail address does not match the one of {name!r}", reason=Reason.WRONG_PAIR
            )
        return None

    def _visit(self, name: str, source: str) -> Visit:
        """A visit of the desk: it has no browser, and acts for nobody's session."""
        origin = Origin(browser="", next_browser="", source=source)
        return Visit(user=name, origin=origin, now=self.service.clock.now())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Applied:
    """A command that was decided on: the canonical name of its account, and the decision."""

    user: str
    decision: Decision


def _form_of(call: Call) -> str | None:
    """Return the id of one form, or None if there was none or its generation is not known.

    No two changes may have one generation.
    """
    # D24
    if call.once is None or call.seen_generation is None:
        return None
    return f"{call.agent}\0{call.seen_generation}\0{call.once}"


class _UnknownSessionError(Exception):
    """No open session of this user has that id."""
