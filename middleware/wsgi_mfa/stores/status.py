"""A store that its operator has closed, or that was rolled back to an older state, is not used (D28)."""

from __future__ import annotations

from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores.protocol import StoreState, StoreStatus


class StatusGuard:
    """The latest status that one store object has seen. Without a lock: threads that race have seen the same.

    A backup holds the status of its own time. A store object that has seen a later one, such as that the store was
    closed, recognizes a restored store by it, and does not use it before it is fenced.
    """

    __slots__ = ("_rolled_back", "_seen")

    def __init__(self) -> None:
        self._seen = StoreStatus()
        self._rolled_back = False

    @property
    def fenced_at(self) -> int:
        return self._seen.fenced_at

    def check(self, found: StoreStatus) -> None:
        """Take note of the status that was found in the store.

        :raises StoreUnavailableError: the store is closed, or it was restored and not fenced.
        """
        seen = self._seen
        if found != seen:
            if found.fenced_at > seen.fenced_at:
                self._rolled_back = False
            elif found.fenced_at < seen.fenced_at or found.changed_at < seen.changed_at:
                self._rolled_back = True
            if not self._rolled_back:
                self._seen = found
        if self._rolled_back:
            raise StoreUnavailableError("the store was restored from a backup: run `wsgi-mfa store fence`")
        if found.state is StoreState.CLOSED:
            raise StoreUnavailableError("the store is closed; `wsgi-mfa store open` opens it")
        if found.state is StoreState.UNFENCED:
            raise StoreUnavailableError("the store is closed until `wsgi-mfa store fence` has been run")
