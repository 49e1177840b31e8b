"""The use cases: each makes a command of what a browser asks for, with every secret and random value that it needs.

Every method takes a :class:`Visit`: who asks, from which browser, at which moment of the request.
"""

from __future__ import annotations

import logging

from wsgi_mfa.core import commands, recovery_codes
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import Command
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.totp import canonical_code
from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores.names import check_guarded, check_keyed
from wsgi_mfa.transactions import PATIENCE_SECONDS, STUBBORN_SECONDS, Transactions, Visit

logger = logging.getLogger("wsgi_mfa")

__all__ = ["PATIENCE_SECONDS", "STUBBORN_SECONDS", "MfaService", "Visit"]


class MfaService(Transactions):
    """The use cases of the middleware over one store, one key ring and one policy."""

    # What a browser asks for.

    def begin_enrollment(self, visit: Visit, *, restart: bool = False) -> Decision:
        """Give this browser its pending key; ``restart`` makes a new one (R34, R36)."""
        key = self.vault.new_key(visit.user)
        return self.apply(visit, commands.BeginEnrollment(origin=visit.origin, key=key, restart=restart))

    def postpone_enrollment(self, visit: Visit, *, groups: tuple[str, ...]) -> Decision:
        """Remind a user later who needs no phone yet; ``groups`` are those of the user."""
        return self.apply(visit, commands.PostponeEnrollment(origin=visit.origin, groups=groups))

    def present_enrollment_code(self, visit: Visit, typed: str) -> Decision:
        """Check the one-time code that the support desk gave (D15)."""
        code = recovery_codes.canonical_recovery_code(typed, recovery_codes.ENROLLMENT_CODE_SYMBOLS)
        command = commands.PresentEnrollmentCode(
            origin=visit.origin,
            code=code,
            opened=None,
            fingerprint="",
        )
        return self.apply(
            visit,
            lambda account: replace(
                command,
                opened=self.vault.enrollment_digest(visit.user, account.enrollment_code),
                fingerprint=self.vault.fingerprint(visit.user, "enrollment_code", code, account=account),
            ),
        )

    def present_unlock_code(self, visit: Visit, typed: str) -> tuple[Decision, str]:
        """Make this browser known by the support desk's one-time code (D47); also its secret, if that succeeded."""
        code = recovery_codes.canonical_recovery_code(typed, recovery_codes.ENROLLMENT_CODE_SYMBOLS)
        secret = self.vault.known_secret(visit.user, f"unlock\0{visit.origin.browser}\0{code}")

        def command(account: Account) -> Command:
            return commands.PresentUnlockCode(
                origin=visit.origin,
                code=code,
                opened=self.vault.unlock_digest(visit.user, account.unlock_code),
                fingerprint=self.vault.fingerprint(visit.user, "unlock_code", code, account=account),
                known_secret=secret,
            )

        return self.apply(visit, command), secret

    def confirm_enrollment(self, visit: Visit, typed: str, *, pending_id: str | None) -> Decision:
        """Bind the phone whose pending key the page showed, by a code of it (R35)."""
        session_id, generation = self.vault.new_id(), self.vault.new_id()
        recovery_code = self.vault.new_recovery_code(visit.user)

        def command(account: Account) -> Command:
            pending = account.pending_of(visit.origin.browser, visit.origin.login)
            digits = pending.parameters.digits if pending else self.policy.digits
            code = canonical_code(typed, digits)
            return commands.ConfirmEnrollment(
                origin=visit.origin,
                pending_id=pending_id,
                code=code,
                key=self.vault.pending_key(visit.user, pending),
                fingerprint=self.vault.fingerprint(visit.user, "code", code, account=account),
                session_id=session_id,
                generation=generation,
                recovery_code=recovery_code,
                address=visit.address,
                known_secret=self.vault.known_secret(visit.user, session_id),
            )

        return self.apply(visit, command)

    def verify_code(
        self,
        visit: Visit,
        typed: str,
        *,
        remember_as: str | None = None,
        replaces: str | None = None,
        keeps_cookies: bool = True,
    ) -> Decision:
        """Sign in, or step up, with a code from the authenticator.

        ``remember_as`` is the label of a browser to be remembered, and ``replaces`` what it was remembered by (R55).
        A client that is no browser, and ``keeps_cookies`` no, does not become known.
        """
        session_id, remember = self.vault.new_id(), None
        if remember_as is not None:
            remember = self.vault.new_browser(visit.user, session_id, label=remember_as, replaces=replaces)

        def command(account: Account) -> Command:
            code = self._typed_code(account, typed)
            return commands.VerifyCode(
                origin=visit.origin,
                code=code,
                key=self.vault.active_key(account),
                fingerprint=self.vault.fingerprint(visit.user, "code", code, account=account),
                session_id=session_id,
                address=visit.address,
                remember=remember,
                known_secret=self.vault.known_secret(visit.user, session_id) if keeps_cookies else None,
            )

        return self.apply(visit, command)

    def sign_in_by_remembered_browser(self, visit: Visit, browser_id: str, secret: str) -> Decision:
        """Sign in as a remembered browser, by what its cookie holds (R55)."""
        session_id = self.vault.new_id()
        command = commands.SignInByRememberedBrowser(
            origin=visit.origin,
            browser_id=browser_id,
            secret=secret,
            next_secret=self.vault.browser_secret(visit.user, browser_id, session_id),
            session_id=session_id,
            address=visit.address,
            known_secret=self.vault.known_secret(visit.user, session_id),
        )
        return self.apply(visit, command)

    def forget_browser(self, visit: Visit, browser_id: str | None) -> Decision:
        """Forget one remembered browser of this user, or all of them (R55)."""
        return self.apply(visit, commands.ForgetBrowser(origin=visit.origin, browser_id=browser_id))

    def forget_known_browsers(self, visit: Visit, *, every: bool) -> Decision:
        """Make this browser unknown, or every one of this user (D46)."""
        return self.apply(visit, commands.ForgetKnownBrowsers(origin=visit.origin, every=every))

    def resync_clock(self, visit: Visit, typed: str, *, asked_for_first: bool = False) -> Decision:
        """Take one of the two consecutive codes that re-learn the phone's clock (D17).

        ``asked_for_first`` says that the page asked for the first of the two; a client without a page leaves
        it to the account whether this is the second.
        """

        def command(account: Account) -> Command:
            code = self._typed_code(account, typed)
            return commands.ResyncClock(
                origin=visit.origin,
                code=code,
                key=self.vault.active_key(account),
                fingerprint=self.vault.fingerprint(visit.user, "clock", code, account=account),
                sealed_code=self.vault.sealed_first_code(visit.user, code),
                first_code=self.vault.first_code(visit.user, account.first_code),
                asked_for_first=asked_for_first,
            )

        return self.apply(visit, command)

    def sign_in_by_recovery_code(self, visit: Visit, typed: str) -> Decision:
        """Sign in with the recovery code, which is replaced (R28)."""
        code = recovery_codes.canonical_recovery_code(typed, self.policy.recovery_code_symbols)
        session_id = self.vault.new_id()
        command = commands.SignInByRecoveryCode(
            origin=visit.origin,
            code=code,
            opened=None,
            fingerprint="",
            session_id=session_id,
            recovery_code=self.vault.new_recovery_code(visit.user),
            address=visit.address,
            known_secret=self.vault.known_secret(visit.user, session_id),
        )
        return self.apply(
            visit,
            lambda account: replace(
                command,
                opened=self.vault.recovery_digest(visit.user, account.recovery_code),
                fingerprint=self.vault.fingerprint(visit.user, "recovery_code", code, account=account),
            ),
        )

    def show_recovery_code(self, visit: Visit) -> tuple[Decision, str | None]:
        """The unacknowledged recovery code in groups of four, where the rules let it be shown (D13)."""
        replacement = self.vault.new_recovery_code(visit.user)
        decision = self.apply(visit, commands.ShowRecoveryCode(origin=visit.origin, replacement=replacement))
        if decision.outcome is not Outcome.MUST_SAVE_RECOVERY_CODE or decision.account is None:
            return decision, None
        return decision, self.vault.recovery_copy(visit.user, decision.account.recovery_code)

    def acknowledge_recovery_code(self, visit: Visit, *, recovery_code_id: str | None) -> Decision:
        """The user has ticked that the code of this id is stored."""
        command = commands.AcknowledgeRecoveryCode(origin=visit.origin, recovery_code_id=recovery_code_id)
        return self.apply(visit, command)

    def replace_recovery_code(self, visit: Visit) -> Decision:
        """Make a new recovery code; the page that shows it is asked for next."""
        recovery_code = self.vault.new_recovery_code(visit.user)
        return self.apply(
            visit, commands.ReplaceRecoveryCode(origin=visit.origin, recovery_code=recovery_code)
        )

    def sign_out(
        self,
        visit: Visit,
        *,
        login_fingerprint: str | None,
        forget_browser: str | None = None,
        forget_known: bool = False,
    ) -> Decision:
        """End this browser's session and the portal's login behind it (D19), and make it unknown if it wants that."""
        command = commands.SignOut(
            origin=visit.origin,
            login_fingerprint=login_fingerprint,
            forget_browser=forget_browser,
            forget_known=forget_known,
        )
        return self.apply(visit, command, patience_seconds=STUBBORN_SECONDS)

    def note_spelling(self, user: str, spelling: str, *, source: str, now: int) -> None:
        """Keep a rejected spelling for the operator, never at the cost of the answer (D44)."""
        visit = Visit(user=user, origin=commands.Origin(browser="", next_browser="", source=source), now=now)
        try:
            self.apply(visit, commands.RefuseSpelling(spelling=spelling, source=source))
        except StoreUnavailableError:
            logger.warning("a rejected spelling could not be kept: the store is unavailable")

    def require_keyed_accounts(self) -> None:
        """Reject requests for accounts by keys while the store has accounts that are bound by names (D44).

        :raises StoreError: it has.
        """
        if not self._is_keyed:
            check_keyed(self.store)
            self._is_keyed = True

    def require_guarded_names(self) -> None:
        """Reject a new user while another spelling of the name may have an account that is not told of (D44).

        :raises StoreError: some account is so.
        """
        if not self._is_guarded:
            check_guarded(self.store, self.load)
            self._is_guarded = True

    def end_session(self, visit: Visit, session_id: str, *, cause: str) -> Decision:
        """End one session because the portal signed its user out or changed the user."""
        command = commands.EndSessions(session_id=session_id, cause=cause, source=visit.origin.source)
        return self.apply(visit, command, patience_seconds=STUBBORN_SECONDS)

    def admit_login(self, visit: Visit, login_fingerprint: str) -> Decision:
        """Count a login again for which the portal has just asked for the password (D19)."""
        command = commands.AdmitLogin(login_fingerprint=login_fingerprint, source=visit.origin.source)
        return self.apply(visit, command)

    def carry_login(self, visit: Visit, login: str | None) -> Decision:
        """Let this browser's session follow a login that has a new fingerprint, ``login`` (D34)."""
        return self.apply(visit, commands.CarryLogin(origin=visit.origin, login=login))

    def note_activity(self, visit: Visit, session_id: str) -> None:
        """Note that the session is in use, once, and never at the cost of an answer (D23)."""
        self.note(visit, commands.NoteActivity(session_id=session_id))

    def note(self, visit: Visit, command: Command) -> None:
        """Save a change without an event by one try, and never at the cost of an answer."""
        try:
            account = self.load(visit.user)
            if account is None:
                return
            decision = decide(account, command, Context(now=visit.now, policy=self.policy))
            if decision.account is not None:
                noted = replace(decision.account, revision=self.vault.new_id(), saved_at=visit.now)
                self.save(noted, (), expected=account.revision)
        except StoreUnavailableError:
            logger.warning("a use could not be noted: the store is unavailable")

    def _typed_code(self, account: Account, typed: str) -> str | None:
        authenticator = account.authenticator
        digits = authenticator.parameters.digits if authenticator else self.policy.digits
        return canonical_code(typed, digits)
