"""Which peer a request comes from, and which peers fail suspiciously often (R25, D37).

Budgets belong to accounts; a sprayer who tries one code at each of a thousand accounts stays within all of them.
So each worker also counts wrong answers by source: that alerts the operator and slows the source down, and never
decides about an account, since a company's whole staff may come from one address.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.instants import HOUR, MINUTE, seconds_until
from wsgi_mfa.core.policy import UNIX_SOCKET
from wsgi_mfa.metrics import Meter

logger = logging.getLogger("wsgi_mfa")

WINDOW = 10 * MINUTE
FAILURES_OF_A_CLIENT = 20  # in the window; a person who mistypes is locked long before
LONG_CODES_OF_A_CLIENT = 20  # recovery, enrollment and unlock codes in the window
FAILURES_OF_ALL = 200
CLIENTS_MAX = 4096
SLOWED_SECONDS = 1.0
SLOWED_AT_ONCE_MAX = 2  # more threads must not be held up, or the sprayer would stop the portal
ALERT_EVERY = HOUR

Network = IPv4Network | IPv6Network

#: The longest IPv6 address has 45 characters, and a zone id stands behind it.
ADDRESS_CHARACTERS_MAX = 64


class ClientAddressReader:
    """Reads the source of a request through the proxies that policy trusts."""

    def __init__(self, trusted_peers: tuple[str, ...]) -> None:
        self._trusts_unix = UNIX_SOCKET in trusted_peers
        self._trusted: tuple[Network, ...] = tuple(
            ip_network(peer) for peer in trusted_peers if peer != UNIX_SOCKET
        )

    def client_address_of(self, environ: Mapping[str, Any]) -> str:
        """``REMOTE_ADDR``, or the last address in ``X-Forwarded-For`` that no trusted proxy has."""
        peer = str(environ.get("REMOTE_ADDR", ""))
        if not self._is_trusted(peer):
            return peer
        for hop in reversed(str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")):
            address = hop.strip()
            if len(address) > ADDRESS_CHARACTERS_MAX:
                return peer  # a zone id may be of any length
            try:
                ip_address(address)
            except ValueError:
                return peer  # what follows from here on may be anybody's invention
            if not self._is_trusted(address):
                return address
            peer = address
        return peer

    def trusts(self, environ: Mapping[str, Any]) -> bool:
        """Whether the request comes from a proxy that policy trusts."""
        return self._is_trusted(str(environ.get("REMOTE_ADDR", "")))

    def _is_trusted(self, address: str) -> bool:
        if not address:
            return self._trusts_unix
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


class AttemptLimit:
    """Limits how often one client address may try codes that are too long to be guessed (D46).

    It is the worker's own: an account is never closed by it, and no other address waits.
    """

    def __init__(self) -> None:
        self._attempts: OrderedDict[str, deque[int]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, address: str, now: int) -> int | None:
        """Return the seconds until a code of this address is judged; None where one is judged now."""
        with self._lock:
            attempts = self._attempts.get(_network_of(address))
            if (
                attempts is None
                or len(attempts) < LONG_CODES_OF_A_CLIENT
                or not 0 <= now - attempts[0] < WINDOW
            ):
                return None
            return seconds_until(attempts[0] + WINDOW, now=now)

    def count(self, address: str, now: int) -> None:
        """Count one wrong code of this address."""
        name = _network_of(address)
        with self._lock:
            self._attempts.setdefault(name, deque(maxlen=LONG_CODES_OF_A_CLIENT)).append(now)
            self._attempts.move_to_end(name)
            if len(self._attempts) > CLIENTS_MAX:
                self._attempts.popitem(last=False)


def _network_of(address: str) -> str:
    """Return what stands for one client: an IPv4 address, or the /64 that one IPv6 client can choose from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(parsed) if parsed.version == 4 else str(ip_network(f"{parsed}/64", strict=False))


class SprayWatch:
    """Counts the wrong answers of one worker by source; times are those of the requests."""

    def __init__(self, clock: Clock, meter: Meter) -> None:
        self._clock = clock
        self._meter = meter
        self._failures: OrderedDict[str, deque[int]] = OrderedDict()
        self._alerted: dict[str, int] = {}
        self._all: deque[int] = deque(maxlen=FAILURES_OF_ALL)
        self._lock = threading.Lock()
        self._slowed = threading.BoundedSemaphore(SLOWED_AT_ONCE_MAX)

    def wrong_answer(self, source: str, now: int) -> None:
        """Count one wrong answer; past the limit, alert once an hour and hold the answer up for a second."""
        with self._lock:
            failures = self._failures.setdefault(source, deque(maxlen=FAILURES_OF_A_CLIENT))
            self._failures.move_to_end(source)
            if len(self._failures) > CLIENTS_MAX:
                self._failures.popitem(last=False)
            suspicious = _full_within(failures, now)
            everywhere = _full_within(self._all, now)
            alert = suspicious and self._is_due(source, now)
            alert_all = everywhere and self._is_due("", now)
        if alert:
            self._meter.alerted("source")
            logger.error(
                "spray: %d wrong codes from %r within %d minutes",
                FAILURES_OF_A_CLIENT,
                source,
                WINDOW // MINUTE,
            )
        if alert_all:
            self._meter.alerted("all")
            logger.error("spray: %d wrong codes within %d minutes", FAILURES_OF_ALL, WINDOW // MINUTE)
        if suspicious and self._slowed.acquire(blocking=False):
            try:
                self._clock.sleep(SLOWED_SECONDS)
            finally:
                self._slowed.release()

    def _is_due(self, source: str, now: int) -> bool:
        if now - self._alerted.get(source, now - ALERT_EVERY) < ALERT_EVERY:
            return False
        if len(self._alerted) >= CLIENTS_MAX:
            self._alerted.clear()
        self._alerted[source] = now
        return True


def _full_within(failures: deque[int], now: int) -> bool:
    """Add ``now``; whether the deque is full and its oldest is still within the window."""
    failures.append(now)
    return len(failures) == failures.maxlen and now - failures[0] < WINDOW
