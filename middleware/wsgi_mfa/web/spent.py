"""Which credentials with a code behind the password this worker does not judge again."""

from __future__ import annotations

import threading
from collections import OrderedDict

SPENT_MAX = 4096


class SpentCredentials:
    """Credentials whose code was refused, or has served its session: no code is good twice, so none is judged twice.

    Without it a program that goes on to send an old code would use up its user's tries.
    """

    def __init__(self) -> None:
        self._spent: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, client: str) -> None:
        with self._lock:
            self._spent[client] = None
            if len(self._spent) > SPENT_MAX:
                self._spent.popitem(last=False)

    def __contains__(self, client: str) -> bool:
        return client in self._spent
