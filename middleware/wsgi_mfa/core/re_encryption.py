"""Which values of an account are sealed, and putting other seals around the same secrets (D29)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.commands import ReEncrypt
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.events import Event


def with_sealed(account: Account, new: Callable[[str], str]) -> Account:
    """``account`` with ``new(sealed)`` in the place of each sealed value; nothing else changes."""
    authenticator, code = account.authenticator, account.recovery_code
    enrollment_code, first = account.enrollment_code, account.first_code
    unlock_code = account.unlock_code
    return replace(
        account,
        authenticator=authenticator and replace(authenticator, sealed_key=new(authenticator.sealed_key)),
        pending=tuple(replace(pending, sealed_key=new(pending.sealed_key)) for pending in account.pending),
        recovery_code=code
        and replace(
            code,
            sealed_digest=new(code.sealed_digest),
            sealed_copy=None if code.sealed_copy is None else new(code.sealed_copy),
        ),
        enrollment_code=enrollment_code
        and replace(enrollment_code, sealed_digest=new(enrollment_code.sealed_digest)),
        unlock_code=unlock_code and replace(unlock_code, sealed_digest=new(unlock_code.sealed_digest)),
        first_code=first and replace(first, sealed_code=new(first.sealed_code)),
    )


def sealed_values(account: Account) -> tuple[str, ...]:
    """Every sealed value in ``account``."""
    found: list[str] = []

    def note(sealed: str) -> str:
        found.append(sealed)
        return sealed

    with_sealed(account, note)
    return tuple(found)


def re_encrypt(account: Account, command: ReEncrypt, context: Context) -> Decision:
    """Replace sealed values whole; what was sealed by another request meanwhile stays for the next time.

    An account whose MAC an older key made is saved as well, and so is signed by the key that writes.
    """
    changed = with_sealed(account, lambda sealed: command.sealed.get(sealed, sealed))
    if changed == account and account.mac.partition(".")[0] in ("", command.key_id):
        return Decision(outcome=Outcome.MUST_VERIFY)
    event = Event(
        at=context.now,
        user=account.user,
        kind="key.rotated",
        source=command.source,
        details=(("key_id", command.key_id),),
    )
    return Decision(outcome=Outcome.MUST_VERIFY, account=changed, events=(event,))
