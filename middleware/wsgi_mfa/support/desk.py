"""The support desk: one service behind the command line, and later the console and JSON (R44-R47).

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
from wsgi_mfa.core.outcome import Decision, Outcome, Reason
from wsgi_mfa.core.user import canonical
from wsgi_mfa.errors import InvalidUserError, StoreUnavailableError
from wsgi_mfa.person import Person
from wsgi_mfa.service import STUBBORN_SECONDS, MfaService, Visit

_PEER = "support"


@dataclass(frozen=True, kw_only=True, slots=True)
class SupportAnswer:
    """What the agent is told; ``enrollment_code`` is for the verified caller alone."""

    outcome: Outcome
    message: str
    enrollment_code: str | None = None


class SupportDesk:
    """Resets and unlocks accounts over one service."""

    def __init__(
        self, service: MfaService, *, directory: Callable[[str], Person | None] | None = None
    ) -> None:
        self._service = service
        self._directory = directory

    def reset(self, user: str, *, email: str, reason: str, agent: str) -> SupportAnswer:
        """Forget the user's phone, recovery code and sessions; the next sign-in enrolls anew (R45)."""
        code, sealed = "", ""

        def command(name: str) -> Command:
            nonlocal code, sealed
            code, sealed = self._service.vault.new_enrollment_code(name)
            return commands.ResetBySupport(
                agent=agent,
                reason=reason,
                generation=self._service.vault.new_id(),
                enrollment_code=sealed,
                source=_PEER,
            )

        found, decision = self._applied(user, email, reason, agent, command)
        if decision is None or decision.outcome is not Outcome.RESET:
            return found
        if decision.reason is not Reason.ENROLLMENT_CODE_NEEDED:
            return SupportAnswer(outcome=Outcome.RESET, message=f"reset: {found.message} must enroll anew")
        seconds = self._service.policy.enrollment_seconds_max
        return SupportAnswer(
            outcome=Outcome.RESET,
            message=(
                f"reset: {found.message} must enroll anew, and is asked for the enrollment code below. It works"
                f" once, within {f'{seconds // 60} minutes' if seconds >= 120 else f'{seconds} seconds'}: give it to"
                " the verified caller only. Unless the wrong codes were the caller's own, somebody else knows the"
                " password, and the password must be changed first."
            ),
            enrollment_code=code,
        )

    def unlock(self, user: str, *, email: str, reason: str, agent: str, clock: bool = False) -> SupportAnswer:
        """Give ten tries over a lock or a spent budget; ``clock`` mends a last step in the future (D14, D22)."""

        command = commands.UnlockBySupport(agent=agent, reason=reason, clock=clock, source=_PEER)
        found, decision = self._applied(user, email, reason, agent, lambda _: command)
        if decision is None or decision.outcome is not Outcome.UNLOCKED:
            return found
        return SupportAnswer(
            outcome=Outcome.UNLOCKED, message=f"unlocked: {found.message} {_tries_of(decision.account)}"
        )

    def forget_drift(self, user: str, *, email: str, reason: str, agent: str) -> SupportAnswer:
        """Take what was learned of the phone's clock for wrong, after this server's was (D18)."""
        command = commands.ForgetDrift(agent=agent, reason=reason, source=_PEER)
        found, decision = self._applied(user, email, reason, agent, lambda _: command)
        if decision is None or decision.outcome is not Outcome.RESYNCED:
            return found
        known = (
            "its phone's clock counts as right" if decision.account else "nothing was learned of its clock"
        )
        return SupportAnswer(outcome=Outcome.RESYNCED, message=f"forgotten: {found.message}, {known}")

    def invite(self, user: str, *, email: str | None, reason: str, agent: str) -> SupportAnswer:
        """Give a one-time code to somebody who has no phone bound, and perhaps no account yet (R41, D33).

        ``email`` may be None only where neither the account nor the directory has an address to compare with.
        """
        code = ""

        def command(name: str) -> Command:
            nonlocal code
            code, sealed = self._service.vault.new_enrollment_code(name)
            return commands.InviteBySupport(agent=agent, reason=reason, enrollment_code=sealed, source=_PEER)

        found, decision = self._applied(user, email, reason, agent, command, newcomer=True)
        if decision is None or decision.outcome is not Outcome.MUST_ENROLL:
            return found
        minutes = self._service.policy.enrollment_seconds_max // 60
        return SupportAnswer(
            outcome=Outcome.MUST_ENROLL,
            message=(
                f"invited: {found.message} is asked for the enrollment code below, which works once within {minutes}"
                " minutes. Give it to the verified caller only."
            ),
            enrollment_code=code,
        )

    def _applied(
        self,
        user: str,
        email: str | None,
        reason: str,
        agent: str,
        command: Callable[[str], Command],
        *,
        newcomer: bool = False,
    ) -> tuple[SupportAnswer, Decision | None]:
        """The user's name in an answer and the decision; or the refusal and None."""
        for word, text in (("reason", reason), ("agent", agent)):
            if not text.strip() or not text.isprintable():
                return _refused(f"{word} must be one line of printable text, for the record"), None
        try:
            name = canonical(user)
            account = self._service.store.load(name)
            refusal = self._mismatch(name, account, email, agent, newcomer=newcomer)
            if refusal is not None:
                return refusal, None
            decision = self._service.apply(
                self._visit(name), command(name), patience_seconds=STUBBORN_SECONDS
            )
        except InvalidUserError as error:
            return _refused(str(error)), None
        except StoreUnavailableError as error:
            return SupportAnswer(outcome=Outcome.UNAVAILABLE, message=str(error)), None
        if decision.reason is Reason.ENROLLMENT_CLOSED:
            return _refused("the policy has enrollment = closed"), None
        if decision.outcome is Outcome.REFUSED and decision.account is not None:
            return _refused(
                f"{name!r} is reset when another agent asks for it too, within 10 minutes (R46)"
            ), None
        if decision.outcome is Outcome.REFUSED:
            return _refused("the account was changed meanwhile; look at it again"), None
        return SupportAnswer(outcome=decision.outcome, message=name), decision

    def _mismatch(
        self, name: str, account: Account | None, email: str | None, agent: str, *, newcomer: bool
    ) -> SupportAnswer | None:
        """Why this caller may not have anything done to this account; None when they may."""
        if account is None and not newcomer:
            return _refused(f"nobody has signed in as {name!r} yet")
        if newcomer and account is not None and account.authenticator is not None:
            return _refused(f"{name!r} has a phone: reset the account instead")
        if _spell_the_same(agent, name):
            return _refused("nobody resets or unlocks their own account (R46)")
        person = self._directory(name) if self._directory is not None else None
        if newcomer and self._directory is not None and person is None:
            return _refused(f"the directory does not know {name!r} (D1)")
        address = self._address_of(name, account, person)
        if address is None:
            if newcomer:
                return None
            return _refused(f"{name!r} has no e-mail address: give MfaMiddleware a directory= that knows it")
        if email is None:
            return _refused(f"the e-mail address of {name!r} is needed, as the caller gave it")
        if not _spell_the_same(email, address):
            return _refused(f"the e-mail address does not match the one of {name!r}")
        return None

    def _address_of(self, name: str, account: Account | None, person: Person | None) -> str | None:
        """The address at this moment (D30): the directory's where there is one."""
        if self._directory is not None:
            return person.email if person is not None else None
        if account is not None and account.address is not None:
            return account.address
        return name if "@" in name else None

    def _visit(self, name: str) -> Visit:
        """A visit of the desk: it has no browser, and acts for nobody's session."""
        return Visit(
            user=name,
            origin=Origin(browser="", next_browser="", source=_PEER),
            now=self._service.clock.now(),
        )


def _spell_the_same(one: str, other: str) -> bool:
    """Whether two names or addresses are one, however they are spelt (D1)."""
    try:
        return canonical(one) == canonical(other)
    except InvalidUserError:
        return False


def _tries_of(account: Account | None) -> str:
    """What the user may do now; support opens only what was closed."""
    kinds = []
    if account is not None and account.code_failures.granted_count:
        kinds.append(f"{account.code_failures.granted_count} tries for codes")
    if account is not None and account.recovery_failures.granted_count:
        kinds.append(f"{account.recovery_failures.granted_count} tries for recovery codes")
    return f"has {' and '.join(kinds)}" if kinds else "was not locked, and can try as before"


def _refused(message: str) -> SupportAnswer:
    return SupportAnswer(outcome=Outcome.REFUSED, message=message)
