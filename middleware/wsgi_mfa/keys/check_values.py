"""Key check values: they tell another key under a known id from the key that has sealed.

A store keeps for each key id a MAC of its own id under that key. Workers compare and never write them: a worker with a
wrong key would otherwise make it the right one.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from wsgi_mfa.errors import InvalidKeyError
from wsgi_mfa.keys.ring import KeyRing

_PURPOSE = "key check"


def check_value(ring: KeyRing, key_id: str, store_id: str) -> str:
    """Return the check value of the key ``key_id`` in the store ``store_id``."""
    return ring.mac_under(key_id, _PURPOSE, store_id.encode()).hex()


def reject_other_keys(ring: KeyRing, known: Mapping[str, str], store_id: str) -> None:
    """Reject a ring that has another key under an id that the store knows; ``known`` are its check values.

    :raises InvalidKeyError: it is so.
    """
    for key_id in ring.ids:
        if key_id in known and not hmac.compare_digest(check_value(ring, key_id, store_id), known[key_id]):
            raise InvalidKeyError(
                f"keys: {key_id!r} is another key than the one by which this store (id {store_id[:8]}...) was sealed."
                f" Put the right key under {key_id!r} into the ring, or name the store that belongs to this ring;"
                " no user can sign in before",
                key_id=key_id,
                setting="keys",
            )
