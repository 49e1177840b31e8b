"""What a worker does beside its requests: it reads its keys anew, and tells the store which ones it knows (D29).

``wsgi-mfa keys rotate`` lets a key seal only when every worker that lives can open what it sealed. A worker lives
while requests come; one that was idle reads its keys before it deals with the next one.
"""

from __future__ import annotations

import logging
import os
import socket
from itertools import count

from wsgi_mfa.core.instants import DAY, SECOND
from wsgi_mfa.keys.ring import KeySource
from wsgi_mfa.stores.protocol import StoreAdmin, WorkerReport

READ_SECONDS = 1  # how old what this worker knows of its key file may be
REPORT_SECONDS = 60  # how old its report may be, unless its keys have changed

logger = logging.getLogger("wsgi_mfa")
_numbers = count(1)


class Heartbeat:
    """The beat of one middleware in one process; a request calls :meth:`beat` unless ``since <= now < until``.

    Without a lock: two threads that beat at once say the same.
    """

    __slots__ = ("_keys", "_number", "_process", "_reported_at", "_store", "since", "until")

    def __init__(self, *, store: StoreAdmin, keys: KeySource) -> None:
        self._store = store
        self._keys = keys
        self._number = next(_numbers)
        self._process: int | None = None
        self._reported_at = 0
        self.since = self.until = 0

    def beat(self, now: int) -> None:
        """Read the keys, and report them where that is due; whatever fails is logged and fails no request."""
        self.since, self.until = now, now + READ_SECONDS * SECOND
        changed = self._keys.reread()
        process = os.getpid()  # a worker that was forked is another one (D32)
        recent = self._reported_at <= now < self._reported_at + REPORT_SECONDS * SECOND
        if recent and not changed and process == self._process:
            return
        self._process, self._reported_at = process, now
        report = WorkerReport(
            worker_id=f"{socket.gethostname()}/{process}.{self._number}", key_ids=self._keys.ring.ids, at=now
        )
        try:
            self._store.report_worker(report, forget_before=now - DAY)
        except Exception:
            logger.warning("the keys of this worker could not be reported", exc_info=True)
