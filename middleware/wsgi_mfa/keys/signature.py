"""The MAC over a whole stored account, by which an edit in the database alone is detected.

It is one HMAC over the store id, the user and the text that is stored, under a sub-key of the writing key, whose id it
names. Putting back an older row, with the MAC of its time, is not detected here but by the worker that has seen a later
one (:mod:`wsgi_mfa.stores.rollback`).
"""

from __future__ import annotations

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.codec import ACCOUNT_CODEC, keep_text
from wsgi_mfa.core.schema import MAC_SCHEMA
from wsgi_mfa.errors import AlteredAccountError, UnknownKeyError
from wsgi_mfa.keys.check_values import reject_other_keys
from wsgi_mfa.keys.ring import KeySource, sealing_id
from wsgi_mfa.stores.protocol import Store

_PURPOSE = "account"


class AccountSigner:
    """Signs the accounts of one store, and checks those that it answers.

    An account in a form from before the MAC has none to check, and only a store that is told to write that form is
    believed without.
    """

    __slots__ = ("_keys", "_prefix", "_store", "takes_unsigned")

    def __init__(self, *, keys: KeySource, store: Store) -> None:
        self._keys = keys
        self._store = store
        self._prefix = f"{store.identity.store_id}\0"
        self.takes_unsigned = store.document_schema < MAC_SCHEMA

    def signed(self, account: Account) -> Account:
        """Return ``account`` with its MAC, and with its text at hand for the store."""
        text = ACCOUNT_CODEC.text_of(account)
        signed = replace(account, mac=self._keys.ring.sign_value(_PURPOSE, self._message(account, text)))
        keep_text(signed, text)
        return signed

    def check(self, account: Account) -> None:
        """Reject an account that is not what a worker has saved.

        :raises AlteredAccountError: its MAC does not verify, or it has none.
        :raises UnknownKeyError: the ring lacks the key that made the MAC.
        :raises InvalidKeyError: the ring has another key than the store under an id.
        """
        if not account.mac:
            if self.takes_unsigned:
                return
            raise _altered(account, "it has no MAC")
        key_id = sealing_id(account.mac)
        if key_id not in self._keys.ring.ids:
            self._keys.reread()  # a worker may meet a new key before it has heard of it (D29)
        if key_id not in self._keys.ring.ids:
            raise UnknownKeyError(key_id, known=self._keys.ring.ids)
        if not self.is_signed(account):
            reject_other_keys(self._keys.ring, self._store.key_checks(), self._store.identity.store_id)
            raise _altered(account, "its MAC does not verify")

    def is_signed(self, account: Account) -> bool:
        """Return whether the MAC of the account verifies; its text is let go of."""
        message = self._message(account, ACCOUNT_CODEC.text_of(account))
        keep_text(account, None)
        return self._keys.ring.check_value(_PURPOSE, message, account.mac)

    def _message(self, account: Account, text: str) -> bytes:
        # Neither a store id nor a user has a NUL in it, so that no two lists of parts make one message.
        return f"{self._prefix}{account.user}\0{text}".encode()


def _altered(account: Account, reason: str) -> AlteredAccountError:
    return AlteredAccountError(
        f"the account of {account.user!r} was changed in the store by other means than this package: {reason}."
        " It is closed: see `wsgi-mfa accounts rebuild`",
        user=account.user,
        revision=account.revision,
    )
