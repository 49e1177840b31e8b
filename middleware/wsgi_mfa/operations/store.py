"""The store as a whole in an operator's hands: closed, opened, and fenced after a rollback."""

from __future__ import annotations

from pathlib import Path

from wsgi_mfa.audit.export import read_export
from wsgi_mfa.operations import restore
from wsgi_mfa.operations.restore import Fenced
from wsgi_mfa.service import MfaService


class StoreKeeper:
    """Acts on the store of one service, also while the store is closed or was rolled back."""

    def __init__(self, service: MfaService) -> None:
        self._service = MfaService(
            store=service.store.for_operator(),
            keys=service.keys,
            policy=service.policy,
            clock=service.clock,
            entropy=service.entropy,
        )

    def close(self) -> None:
        """Let no worker serve from now on; nothing that was under way is saved any more."""
        restore.close_store(self._service)

    def open(self) -> None:
        """Let the workers serve again.

        :raises AccountError: the store was restored, or a fence was cut off: it has to be fenced first.
        """
        restore.open_store(self._service)

    def fence(self, record: Path | None = None) -> Fenced:
        """Close what a restored backup would open again; ``record`` is the file of an exported audit record.

        :raises AccountError: the record is none of this store, is not whole, or does not know all of its accounts.
        """
        return restore.fence(self._service, None if record is None else read_export(record))
