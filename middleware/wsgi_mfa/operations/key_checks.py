"""Recording key check values: by making a store, by rotating keys, and after a value was opened."""

from __future__ import annotations

from wsgi_mfa.audit.hash_chain import STORE
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.re_encryption import sealed_values
from wsgi_mfa.errors import CorruptAccountError, InvalidKeyError, UnsealError
from wsgi_mfa.keys.check_values import check_value, reject_other_keys
from wsgi_mfa.keys.ring import KeyRing, sealing_id
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import StoreAdmin, every_user, load_for_operator


def record_new(store: StoreAdmin, ring: KeyRing, *key_ids: str) -> None:
    """Record the check values of keys that have sealed nothing yet."""
    store_id = store.identity.store_id
    store.set_key_checks({key_id: check_value(ring, key_id, store_id) for key_id in key_ids})


def record(service: MfaService) -> tuple[str, ...]:
    """Record the check values that are missing, and return their ids; a key that has sealed opens one value before.

    :raises InvalidKeyError: the ring has another key under an id that the store knows, or that sealed an account.
    """
    store, ring = service.store, service.keys.ring
    known = store.key_checks()
    reject_other_keys(ring, known, store.identity.store_id)
    missing = {key_id for key_id in ring.ids if key_id not in known}
    if missing:
        reject_unproven(service, missing)
        record_new(store, ring, *sorted(missing))
    return tuple(sorted(missing))


def reject_unproven(service: MfaService, key_ids: set[str]) -> None:
    """Open one value for each of these keys that has sealed or signed one; other values may have been edited.

    :raises InvalidKeyError: a key opens nothing of what a key of its id has sealed.
    """
    used: set[str] = set()
    proven: set[str] = set()
    for user in (STORE, *every_user(service.store)):
        if key_ids <= proven:
            return
        account = _readable(service, user)
        if account is None:
            continue
        for key_id in {sealing_id(account.mac), *map(sealing_id, sealed_values(account))} & key_ids - proven:
            used.add(key_id)
            if _proves(service, account, key_id):
                proven.add(key_id)
    for key_id in sorted(used - proven):
        raise InvalidKeyError(
            f"keys: {key_id!r} opens nothing of what a key of this id has sealed in the store, so it is another key:"
            f" put the right one under {key_id!r} into the ring",
            key_id=key_id,
            setting="keys",
        )


def _readable(service: MfaService, user: str) -> Account | None:
    try:
        return load_for_operator(service.store, user)
    except CorruptAccountError:
        return None


def _proves(service: MfaService, account: Account, key_id: str) -> bool:
    """Return whether the key opens a value of the account or verifies its MAC."""
    others = {sealing_id(sealed) for sealed in sealed_values(account)} - {key_id}
    try:
        if service.vault.opened_with(account, but=others):
            return True
    except UnsealError:
        pass
    return sealing_id(account.mac) == key_id and service.signer.is_signed(account)
