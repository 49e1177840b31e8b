"""What an operator does to accounts as such: end sessions, remove, rename, and reset them all (D33)."""

from __future__ import annotations

from wsgi_mfa.core import commands
from wsgi_mfa.core.account import Account, AppPassword
from wsgi_mfa.core.commands import Command, Origin
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.expiry import without_expired
from wsgi_mfa.core.re_encryption import with_sealed
from wsgi_mfa.core.removal import is_there
from wsgi_mfa.core.spellings import account_name
from wsgi_mfa.core.usernames import UserNames, names_of
from wsgi_mfa.errors import AccountError, StoreUnavailableError
from wsgi_mfa.operations.audit_retention import note
from wsgi_mfa.service import PATIENCE_SECONDS, STUBBORN_SECONDS, MfaService, Visit
from wsgi_mfa.stores.protocol import every_user

COPIES_MAX = 10  # how often a rename begins again when the user acts meanwhile
_PEER = "console"


class AccountKeeper:
    """Acts on accounts over one service, for the ``agent`` and the ``reason`` that stand in the record.

    Every method raises :exc:`~wsgi_mfa.errors.AccountError` where an account is not fit for what is asked.

    :raises AccountError: ``agent`` or ``reason`` would break the record's lines.
    """

    def __init__(
        self,
        service: MfaService,
        *,
        agent: str,
        reason: str = "",
        user_names: UserNames = UserNames.ASK,
    ) -> None:
        for word, text in (("agent", agent), ("reason", reason)):
            if not text.isprintable():
                raise AccountError(f"{word} must be one line of printable text, for the record")
        self._service = service
        self._agent = agent
        self._reason = reason
        self._user_names = user_names

    def end_sessions(self, user: str, session: str | None) -> tuple[int, int]:
        """End the one open session whose id begins with ``session``, or all of them.

        Remembered browsers that could open them again without a code are forgotten. How many sessions and
        browsers that were.
        """
        account = self._account(user)
        before = without_expired(account, self._service.context())
        sessions, known = before.sessions, before.remembered_browsers
        session_id = None
        if session is not None:
            found = [each.id for each in sessions if session and each.id.startswith(session)]
            if len(found) != 1:
                raise AccountError(
                    f"{len(found)} open sessions of {account.user!r} have an id that begins with {session!r}"
                )
            session_id = found[0]
        command = commands.EndSessions(
            session_id=session_id, cause="operator", source=self._agent, forgetting=True
        )
        after = self._apply(account.user, command).account
        forgotten = len(known) - len(after.remembered_browsers) if after is not None else 0
        return len(sessions) if session_id is None else 1, forgotten

    def forget_browser(self, user: str, browser: str) -> bool:
        """Forget the one remembered browser whose id begins with ``browser``; whether there is one."""
        account = self._account(user)
        known = without_expired(account, self._service.context()).remembered_browsers
        found = [each.id for each in known if browser and each.id.startswith(browser)]
        if len(found) != 1:
            return False
        command = commands.RevokeBrowser(browser_id=found[0], cause="operator", source=self._agent)
        self._apply(account.user, command)
        return True

    def app_passwords(self, user: str) -> tuple[AppPassword, ...]:
        """Return the app passwords of an account that count now."""
        return without_expired(self._account(user), self._service.context()).app_passwords

    def end_app_passwords(self, user: str, app_password: str | None) -> tuple[AppPassword, ...]:
        """End the one app password whose id begins with ``app_password``, or all of them; return those that ended."""
        listed = self.app_passwords(user)
        gone = listed
        if app_password is not None:
            gone = tuple(each for each in listed if app_password and each.id.startswith(app_password))
            if len(gone) != 1:
                raise AccountError(
                    f"{len(gone)} app passwords of {user!r} have an id that begins with {app_password!r}"
                )
        command = commands.RevokeAppPasswords(
            id=None if app_password is None else gone[0].id, cause="operator", source=self._agent
        )
        self._apply(self._account(user).user, command)
        return gone

    def remove(self, user: str) -> str:
        """Forget the user; whoever comes by that name needs an invitation. The name of the account."""
        account = self._account(user)
        self._removed(account.user)
        return account.user

    def rename(self, old: str, new: str) -> tuple[str, str]:
        """Move the account ``old`` to the name ``new``, under which every secret is sealed anew; both names.

        The new one is saved first, so that a phone is never lost. Cut off in between, both names have the phone
        and the recovery code until the same rename is asked for again, which then takes the old one away.
        """
        own, folded = names_of(new)
        return self.move(old, own if self._user_names is UserNames.EXACT else folded)

    def move(self, old: str, new: str, *, spellings: tuple[str, ...] = ()) -> tuple[str, str]:
        """As :meth:`rename`, to the account of exactly this name, which is bound to ``spellings``."""
        account, name = self._account(old), new
        if name == account.user:
            raise AccountError(f"{old!r} and {new!r} are one name: {name!r}")
        there, copied = self._service.load(name), None
        if there is not None and is_there(there):
            if not _same_phone(account, there):
                raise AccountError(
                    f"there is an account {name!r} already; remove it first, if it is nobody's"
                )
            if account.saved_at <= there.saved_at:
                self._removed(account.user, renamed_to=name)
                return account.user, name
            copied = there.revision
        for _ in range(COPIES_MAX):
            copy = self._copied(account, name, over=copied, spellings=spellings)
            if self._left(account, name).outcome is not Outcome.REFUSED:
                return account.user, name
            # The user did something under the old name after it was copied.
            account, copied = self._account(old), copy.revision
        raise StoreUnavailableError(
            f"{account.user!r} is busy: both names are there; ask for the rename again"
        )

    def reset_all(self) -> int:
        """Reset every account, and let nobody enroll without an invitation from now on; how many were reset.

        It ends only when no request of before can save any more.
        """
        self._service.store.set_invited_only(True)
        note(self._service, "store.enrollment", ("rule", "invited"))
        done: set[str] = set()
        self._reset_others(done)
        self._service.clock.sleep(PATIENCE_SECONDS)
        self._reset_others(done)
        return len(done)

    def forget_drift(self, *, since: int | None) -> int:
        """Forget what was learned of everybody's clock, since an instant if one is given; of how many (D18)."""
        command = commands.ForgetDrift(agent=self._agent, reason=self._reason, since=since, source=_PEER)
        return sum(self._apply(user, command).account is not None for user in every_user(self._service.store))

    def _reset_others(self, done: set[str]) -> None:
        for user in every_user(self._service.store):
            if user in done or not is_there(self._service.load(user)):
                continue
            command = commands.ResetBySupport(
                agent=self._agent,
                reason=self._reason,
                generation=self._service.vault.new_id(),
                enrollment_code=None,
                source=_PEER,
            )
            self._apply(user, command)
            done.add(user)

    def _copied(
        self, account: Account, name: str, *, over: str | None, spellings: tuple[str, ...]
    ) -> Account:
        """The account as saved under ``name``, in the place of the earlier copy ``over``."""
        sealed = self._service.vault.re_encrypted(account, user=name)
        command = commands.AdoptAccount(
            moved=with_sealed(account, lambda old: sealed.get(old, old)),
            agent=self._agent,
            reason=self._reason,
            generation=self._service.vault.new_id(),
            seen_revision=over,
            spellings=spellings,
            source=_PEER,
        )
        decision = self._apply(name, command)
        if decision.account is None:
            raise AccountError(f"the account {name!r} was made meanwhile; both names are there")
        return decision.account

    def _left(self, account: Account, name: str) -> Decision:
        """Take the old name away, if nothing was saved under it since ``account`` was copied."""
        return self._apply(account.user, self._removal(renamed_to=name, seen_revision=account.revision))

    def _removed(self, name: str, *, renamed_to: str | None = None) -> None:
        if self._apply(name, self._removal(renamed_to=renamed_to)).outcome is Outcome.REFUSED:
            raise AccountError(f"the account {name!r} was removed meanwhile")

    def _removal(self, *, renamed_to: str | None = None, seen_revision: str | None = None) -> Command:
        return commands.RemoveAccount(
            agent=self._agent,
            reason=self._reason,
            generation=self._service.vault.new_id(),
            renamed_to=renamed_to,
            seen_revision=seen_revision,
            source=_PEER,
        )

    def _account(self, user: str) -> Account:
        name = account_name(user, self._service.load)
        account = self._service.load(name)
        if account is None or not is_there(account):
            raise AccountError(f"there is no account {name!r}; wsgi-mfa accounts list names them")
        return account

    def _apply(self, name: str, command: Command) -> Decision:
        return self._service.apply(
            operator_visit(self._service, name), command, patience_seconds=STUBBORN_SECONDS
        )


def operator_visit(service: MfaService, user: str) -> Visit:
    """A visit from the console: it has no browser, and its moment is now."""
    origin = Origin(browser="", next_browser="", source=_PEER)
    return Visit(user=user, origin=origin, now=service.clock.now())


def _same_phone(account: Account, other: Account) -> bool:
    """Whether ``other`` is a copy of ``account`` that a rename has left which was cut off."""
    mine, theirs = account.authenticator, other.authenticator
    return mine is not None and theirs is not None and mine.id == theirs.id
