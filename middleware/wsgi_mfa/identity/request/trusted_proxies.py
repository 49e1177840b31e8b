"""The peers from which a proxy's words are taken: addresses and networks that somebody listed (R57)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from wsgi_mfa.errors import ConfigurationError

#: Stands in a list for a socket of the file system, over which servers tell no address.
UNIX = "unix"
LEGAL = (
    f"addresses such as 10.0.0.5, networks such as 10.0.0.0/24, and {UNIX} for a socket without an address"
)


class PeerList:
    """Which peers are listed; ``setting`` names the list in errors.

    :raises ConfigurationError: the list is empty, or an entry is none or stands for everybody.
    """

    def __init__(self, peers: Sequence[str], *, setting: str) -> None:
        if isinstance(peers, str) or not peers:
            raise ConfigurationError(f"{setting} is {peers!r}: legal is a list of {LEGAL}", setting=setting)
        self._unix = UNIX in peers
        self._networks = tuple(_network(peer, setting) for peer in peers if peer != UNIX)
        self._includes = lru_cache(maxsize=1024)(self._looked_up)

    def includes(self, address: str | None) -> bool:
        """Whether ``REMOTE_ADDR``, as the server tells it, is listed."""
        return self._includes(address or "")

    def _looked_up(self, address: str) -> bool:
        if not address:
            return self._unix
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped  # a server on a socket of both kinds
        return any(parsed in network for network in self._networks)


def is_loopback_name(name: str) -> bool:
    """Return whether a Host without its port names the machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _network(peer: str, setting: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(peer)
    except ValueError:
        raise ConfigurationError(f"{setting} has {peer!r}: legal are {LEGAL}", setting=setting) from None
    if network.prefixlen == 0:
        raise ConfigurationError(
            f"{setting} has {peer!r}, which is everybody: list the proxy's own addresses", setting=setting
        )
    return network
