"""Makes the secrets of one store's accounts, seals them for their place, and opens them again.

Each value is sealed for its store, user and field, a field being named with the id of what it belongs to, so
that no sealed value serves anywhere but where it was put (R42).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator

from wsgi_mfa.core import recovery_codes
from wsgi_mfa.core.account import (
    Account,
    EnrollmentCode,
    FirstCode,
    PendingEnrollment,
    RecoveryCode,
    UnlockCode,
)
from wsgi_mfa.core.commands import NewBrowser, NewKey, NewRecoveryCode
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.entropy import Entropy
from wsgi_mfa.errors import UnknownKeyError
from wsgi_mfa.keys.ring import NONCE_BYTES, KeySource, SealContext, sealing_id

ID_BYTES = 16  # 128 bits (R50, D24)


class Vault:
    """The secrets of the accounts in the store ``store_id``."""

    def __init__(self, *, keys: KeySource, store_id: str, entropy: Entropy, policy: Policy) -> None:
        self._keys = keys
        self._store_id = store_id
        self._entropy = entropy
        self._policy = policy

    # Making.

    def new_id(self) -> str:
        """A random id of 128 bits in hex, for a session, a generation, a revision, a pending enrollment."""
        return self._entropy.token_bytes(ID_BYTES).hex()

    def new_key(self, user: str) -> NewKey:
        """A fresh authenticator key (R4)."""
        key_id = self.new_id()
        key = self._entropy.token_bytes(self._policy.key_bytes)
        return NewKey(
            id=key_id,
            sealed_key=self._seal(user, _key(key_id), key),
            parameters=self._policy.key_parameters(),
        )

    def new_recovery_code(self, user: str) -> NewRecoveryCode:
        """A fresh recovery code (R26), sealed as what checks it and as what can show it (D13)."""
        code = self._new_code(self._policy.recovery_code_symbols)
        code_id = self.new_id()
        return NewRecoveryCode(
            id=code_id,
            sealed_digest=self._seal(user, _recovery_digest(code_id), self._digest(code)),
            sealed_copy=self._seal(user, _recovery_copy(code_id), code.encode("ascii")),
        )

    def id_for(self, user: str, once: str) -> str:
        """The id of 128 bits that ``once`` stands for, the same each time: a form that is sent twice has one."""
        return self._keys.ring.sign("desk/generation", f"{user}\0{once}".encode())[:ID_BYTES].hex()

    def new_browser(
        self, user: str, session_id: str, *, label: str, replaces: str | None = None
    ) -> NewBrowser:
        """A browser to be remembered in the session of this id (R55)."""
        browser_id = self.new_id()
        secret = self.browser_secret(user, browser_id, session_id)
        return NewBrowser(id=browser_id, secret=secret, label=label, replaces=replaces)

    def browser_secret(self, user: str, browser_id: str, session_id: str) -> str:
        """What a remembered browser is given in this session: 128 bits in hex that a key and a random id make.

        It is derived, so that a lost reply can be given again (D10), and kept nowhere.
        """
        message = f"{user}\0{browser_id}\0{session_id}".encode()
        return hashlib.sha256(self._keys.ring.fingerprint("browser", message).encode()).hexdigest()[:32]

    def known_secret(self, user: str, once: str) -> str:
        """Return what makes a browser known: 128 bits that a key and ``once`` make, the same each time.

        ``once`` is the id of the session, or a keyed fingerprint of the code, by which the browser became known: so a
        lost reply can be given again (D10).
        """
        digest = self._keys.ring.sign("known browser", f"{user}\0{once}".encode())[:ID_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def new_unlock_code(self, user: str, *, once: str | None = None) -> tuple[str, str]:
        """Return a fresh unlock code as the desk reads it out, and its sealed digest (D47); ``once`` as below."""
        code = self._code_for_caller(user, "desk/unlock code", once)
        return recovery_codes.grouped(code), self._seal(user, _UNLOCK_DIGEST, self._digest(code))

    def new_enrollment_code(self, user: str, *, once: str | None = None) -> tuple[str, str]:
        """A fresh enrollment code as the desk reads it out, and its sealed digest (D15).

        With ``once`` it is the code that this stands for: who sends a form twice sees one code. Nobody without the
        keys can tell it from ``once``.
        """
        code = self._code_for_caller(user, "desk/enrollment code", once)
        return recovery_codes.grouped(code), self._seal(user, _ENROLLMENT_DIGEST, self._digest(code))

    def _code_for_caller(self, user: str, purpose: str, once: str | None) -> str:
        if once is None:
            return self._new_code(recovery_codes.ENROLLMENT_CODE_SYMBOLS)
        count = recovery_codes.entropy_bytes(recovery_codes.ENROLLMENT_CODE_SYMBOLS)
        drawn = self._keys.ring.sign(purpose, f"{user}\0{once}".encode())[:count]
        return recovery_codes.code_from(drawn, recovery_codes.ENROLLMENT_CODE_SYMBOLS)

    def sealed_first_code(self, user: str, code: str | None) -> str:
        """The first of two codes that re-learn a clock, for keeping (D17)."""
        return self._seal(user, _FIRST_CODE, (code or "").encode("ascii"))

    def fingerprint(
        self, user: str, purpose: str, code: str | None, *, account: Account | None = None
    ) -> str:
        """What tells two typed codes apart at rest without telling the code (D10, D11).

        Where ``account`` remembers the same code under an earlier key of the ring, that fingerprint is given: a
        reply that was lost before a rotation can be asked for after it.
        """
        ring, typed, message = self._keys.ring, f"typed/{purpose}", f"{user}\0{code or ''}".encode()
        remembered = [] if account is None else [retry.fingerprint for retry in account.retries]
        remembered += [] if account is None else [answer.fingerprint for answer in account.answers]
        for known in remembered:
            if sealing_id(known) != ring.writing_id and ring.has_fingerprint(typed, message, known):
                return known
        return ring.fingerprint(typed, message)

    # Opening. Each raises UnknownKeyError or UnsealError rather than answer with anything else.

    def active_key(self, account: Account) -> bytes | None:
        """The key of the account's authenticator."""
        if account.authenticator is None:
            return None
        return self._open(account.user, _key(account.authenticator.id), account.authenticator.sealed_key)

    def pending_key(self, user: str, pending: PendingEnrollment | None) -> bytes | None:
        """The key of an enrollment that is not confirmed."""
        return None if pending is None else self._open(user, _key(pending.id), pending.sealed_key)

    def recovery_digest(self, user: str, code: RecoveryCode | None) -> bytes | None:
        """What checks the recovery code."""
        return None if code is None else self._open(user, _recovery_digest(code.id), code.sealed_digest)

    def recovery_copy(self, user: str, code: RecoveryCode | None) -> str | None:
        """The recovery code in groups of four, as long as nobody has acknowledged it."""
        if code is None or code.sealed_copy is None:
            return None
        return recovery_codes.grouped(
            self._open(user, _recovery_copy(code.id), code.sealed_copy).decode("ascii")
        )

    def enrollment_digest(self, user: str, code: EnrollmentCode | None) -> bytes | None:
        """What checks the desk's enrollment code."""
        return None if code is None else self._open(user, _ENROLLMENT_DIGEST, code.sealed_digest)

    def unlock_digest(self, user: str, code: UnlockCode | None) -> bytes | None:
        """Return what checks the desk's unlock code."""
        return None if code is None else self._open(user, _UNLOCK_DIGEST, code.sealed_digest)

    def first_code(self, user: str, first: FirstCode | None) -> str | None:
        """The first of two codes that re-learn a clock."""
        return None if first is None else self._open(user, _FIRST_CODE, first.sealed_code).decode("ascii")

    # Sealing anew.

    def re_encrypted(self, account: Account, *, user: str | None = None) -> dict[str, str]:
        """Each sealed value of ``account`` that needs another seal, and the same secret in the new one.

        It needs one when an older key sealed it (D29), or when it is to be opened for ``user``, another name (D33).
        """
        writing_id, owner = self._keys.ring.writing_id, user or account.user
        return {
            sealed: self._seal(owner, field, self._open(account.user, field, sealed))
            for field, sealed in _places(account)
            if owner != account.user or sealing_id(sealed) != writing_id
        }

    def opened_with(self, account: Account, *, but: Collection[str] = ()) -> set[str]:
        """Open one value of ``account`` for each key that sealed it, and return their ids without those in ``but``.

        :raises UnsealError: a key of the ring does not open what a key of that id has sealed.
        :raises UnknownKeyError: the ring lacks a key.
        """
        opened: set[str] = set()
        for field, sealed in _places(account):
            key_id = sealing_id(sealed)
            if key_id not in but and key_id not in opened:
                self._open(account.user, field, sealed)
                opened.add(key_id)
        return opened

    def _new_code(self, symbols: int) -> str:
        return recovery_codes.code_from(
            self._entropy.token_bytes(recovery_codes.entropy_bytes(symbols)), symbols
        )

    def _digest(self, code: str) -> bytes:
        return recovery_codes.digest(code, self._entropy.token_bytes(recovery_codes.SALT_BYTES))

    def _seal(self, user: str, field: str, plain: bytes) -> str:
        nonce = self._entropy.token_bytes(NONCE_BYTES)
        return self._keys.ring.seal(plain, nonce=nonce, context=self._context(user, field))

    def _open(self, user: str, field: str, sealed: str) -> bytes:
        context = self._context(user, field)
        try:
            return self._keys.ring.open(sealed, context=context)
        except UnknownKeyError:
            # A worker may meet a new key before it has heard of it (D29).
            if not self._keys.reread():
                raise
            return self._keys.ring.open(sealed, context=context)

    def _context(self, user: str, field: str) -> SealContext:
        return SealContext(store_id=self._store_id, user=user, field=field)


def _places(account: Account) -> Iterator[tuple[str, str]]:
    """Every sealed value of ``account``, behind the field that it is sealed for."""
    authenticator, code = account.authenticator, account.recovery_code
    if authenticator is not None:
        yield _key(authenticator.id), authenticator.sealed_key
    for pending in account.pending:
        yield _key(pending.id), pending.sealed_key
    if code is not None:
        yield _recovery_digest(code.id), code.sealed_digest
        if code.sealed_copy is not None:
            yield _recovery_copy(code.id), code.sealed_copy
    if account.enrollment_code is not None:
        yield _ENROLLMENT_DIGEST, account.enrollment_code.sealed_digest
    if account.unlock_code is not None:
        yield _UNLOCK_DIGEST, account.unlock_code.sealed_digest
    if account.first_code is not None:
        yield _FIRST_CODE, account.first_code.sealed_code


_ENROLLMENT_DIGEST = "enrollment_code/digest"
_UNLOCK_DIGEST = "unlock_code/digest"
_FIRST_CODE = "first_code"


def _key(key_id: str) -> str:
    return f"key/{key_id}"


def _recovery_digest(code_id: str) -> str:
    return f"recovery_code/{code_id}/digest"


def _recovery_copy(code_id: str) -> str:
    return f"recovery_code/{code_id}/copy"
