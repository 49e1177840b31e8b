"""The administration of a store, ready made over one small table of texts by their keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache

from wsgi_mfa.core.codec import Codec, CodecError
from wsgi_mfa.errors import StoreError
from wsgi_mfa.stores.protocol import StoreStatus, WorkerReport

STATUS = "status"
INVITED_ONLY = "invited_only"
BINDINGS = "binding/"  # followed by the binding's key
KEY_CHECKS = "key_check/"  # followed by the key's id
WORKERS = "worker/"  # followed by the worker's id
_STATUS_CODEC = Codec(StoreStatus, schema=1)
_REPORT_CODEC = Codec(WorkerReport, schema=1)


class TableAdmin(ABC):
    """The methods of :class:`~wsgi_mfa.stores.protocol.StoreAdmin` that read and write a table.

    The table holds what concerns the store as a whole, and the bindings of observed logins, which are looked for at
    each request of such a portal. A key that is not there means the default, so an empty table is that of a new store.
    """

    @abstractmethod
    def _read_admin(self, prefix: str, *, while_closed: bool = False) -> dict[str, str]:
        """Return the values whose keys begin with ``prefix``; ``while_closed`` also if the store is not open."""

    @abstractmethod
    def _write_admin(self, changes: Mapping[str, str | None], *, while_closed: bool = False) -> None:
        """Write these values, and drop those that are None: together, durably and for all processes."""

    def status(self) -> StoreStatus:
        return status_from(self._read_admin(STATUS, while_closed=True).get(STATUS))

    def set_status(self, status: StoreStatus) -> None:
        self._write_admin({STATUS: status_text(status)}, while_closed=True)

    def report_worker(self, report: WorkerReport, *, forget_before: int) -> None:
        changes: dict[str, str | None] = dict([report_entry(report)])
        changes |= {WORKERS + each.worker_id: None for each in self.workers() if each.at < forget_before}
        self._write_admin(changes)

    def workers(self) -> list[WorkerReport]:
        try:
            reports = [_REPORT_CODEC.decode(text) for text in self._read_admin(WORKERS).values()]
        except CodecError as error:
            raise StoreError(f"a worker's report in the store is corrupt: {error}") from error
        return sorted(reports, key=lambda report: report.worker_id)

    def invited_only(self) -> bool:
        return bool(self._read_admin(INVITED_ONLY))

    def key_checks(self) -> dict[str, str]:
        rows = self._read_admin(KEY_CHECKS, while_closed=True)
        return {key[len(KEY_CHECKS) :]: value for key, value in sorted(rows.items())}

    def set_key_checks(self, changes: Mapping[str, str | None]) -> None:
        self._write_admin(
            {KEY_CHECKS + key_id: value for key_id, value in changes.items()}, while_closed=True
        )

    def bindings(self, prefix: str) -> dict[str, str]:
        rows = self._read_admin(BINDINGS + prefix)
        return {key[len(BINDINGS) :]: value for key, value in sorted(rows.items())}

    def write_bindings(self, changes: Mapping[str, str | None]) -> None:
        self._write_admin({BINDINGS + key: value for key, value in changes.items()})

    def set_invited_only(self, invited_only: bool) -> None:
        self._write_admin({INVITED_ONLY: "true" if invited_only else None})


@lru_cache(maxsize=64)
def status_from(text: str | None) -> StoreStatus:
    """Return the store status of the table's value; a store whose status was never changed is open.

    :raises StoreError: the value is none that :func:`status_text` writes.
    """
    if text is None:
        return StoreStatus()
    try:
        return _STATUS_CODEC.decode(text)
    except CodecError as error:
        raise StoreError(f"the status of the store is corrupt: {error}") from error


def status_text(status: StoreStatus) -> str:
    """Return the value of the key :data:`STATUS`."""
    return _STATUS_CODEC.encode(status)


def report_entry(report: WorkerReport) -> tuple[str, str]:
    """Return the key and the value of a worker's report."""
    return WORKERS + report.worker_id, _REPORT_CODEC.encode(report)
