"""A store that its operator has closed, or that was put back to what it once was, is not used (D28)."""

from __future__ import annotations

from wsgi_mfa.errors import StoreUnavailableError
from wsgi_mfa.stores.protocol import Door, Opening


class Doorkeeper:
    """What one store object has seen of its store's opening. Without a lock: threads that race have seen the same.

    A backup holds the opening of its own time. So whoever has seen a later one, such as that the store was closed,
    knows a restored store by it, and does not use it before it is fenced.
    """

    __slots__ = ("_put_back", "_seen")

    def __init__(self) -> None:
        self._seen = Opening()
        self._put_back = False

    @property
    def fenced_at(self) -> int:
        return self._seen.fenced_at

    def check(self, found: Opening) -> None:
        """Take note of what the store says of itself.

        :raises StoreUnavailableError: it is closed, or it was restored and not fenced.
        """
        seen = self._seen
        if found != seen:
            if found.fenced_at > seen.fenced_at:
                self._put_back = False
            elif found.fenced_at < seen.fenced_at or found.changed_at < seen.changed_at:
                self._put_back = True
            if not self._put_back:
                self._seen = found
        if self._put_back:
            raise StoreUnavailableError("the store was restored from a backup: run `wsgi-mfa store fence`")
        if found.door is Door.CLOSED:
            raise StoreUnavailableError("the store is closed; `wsgi-mfa store open` opens it")
        if found.door is Door.UNFENCED:
            raise StoreUnavailableError("the store is closed until `wsgi-mfa store fence` has been run")
