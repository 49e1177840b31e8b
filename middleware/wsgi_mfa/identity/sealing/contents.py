"""The contents of one seal: a cookie of the portal, and the rules for its use."""

from __future__ import annotations

from typing import NamedTuple

from wsgi_mfa.core.instants import SECOND

#: Browsers keep no cookie longer than 400 days, whatever it says (RFC 6265bis section 5.5).
LIFE_SECONDS_MAX = 400 * 24 * 60 * 60


class SealedCookie(NamedTuple):
    """A cookie as the portal set it.

    ``attributes`` has one entry for each ``Set-Cookie`` header that set this value: its attributes without those
    that tell a lifetime, such as ``Path=/; HttpOnly``. ``issued_at`` and ``expires_at`` are seconds since 1970 UTC;
    None for a cookie that ends with the browser. ``user`` is the account that was signed in after the response, None
    for a visitor. ``is_readable`` says that scripts could read the cookie, so that it is set again in clear.
    """

    value: str
    attributes: tuple[str, ...]
    issued_at: int
    expires_at: int | None = None
    user: str | None = None
    is_readable: bool = False

    def to_bytes(self) -> bytes:
        """Return the form that is encrypted: one line for each field, the attributes last.

        :raises ValueError: a field has a line break, which no header may have.
        """
        owner = f"u{self.user}" if self.user is not None else ""
        lines = (
            self.value,
            owner,
            f"{self.issued_at} {'' if self.expires_at is None else self.expires_at}",
            "r" if self.is_readable else "",
            *self.attributes,
        )
        text = "\n".join(lines)
        if text.count("\n") != len(lines) - 1:
            raise ValueError("a cookie has a line break")
        return text.encode("utf-8", "surrogatepass")

    @classmethod
    def from_bytes(cls, data: bytes) -> SealedCookie:
        """Read what :meth:`to_bytes` made; nothing else was ever sealed."""
        value, owner, instants, readable, *attributes = data.decode("utf-8", "surrogatepass").split("\n")
        issued_at, _, expires_at = instants.partition(" ")
        return cls(
            value=value,
            attributes=tuple(attributes),
            issued_at=int(issued_at),
            expires_at=int(expires_at) if expires_at else None,
            user=owner[1:] if owner else None,
            is_readable=bool(readable),
        )

    def is_expired(self, now: int) -> bool:
        """Return whether the cookie's life is over at ``now``, in microseconds."""
        return self.expires_at is not None and self.expires_at * SECOND <= now

    def life_left(self, now: int) -> int | None:
        """Return the seconds that the cookie has left at ``now``, in microseconds; None without an expiry."""
        return None if self.expires_at is None else max(self.expires_at - now // SECOND, 0)

    def serves_for(self, other: SealedCookie) -> bool:
        """Return whether the client may keep this seal where the portal sets ``other``.

        Value, user and attributes must be equal, and less than a tenth of the life used. Thus a portal that sets its
        cookie with every response neither sends a new seal each time nor lets the seal run out.
        """
        if (self.value, self.user, self.is_readable) != (other.value, other.user, other.is_readable):
            return False
        if self.attributes != other.attributes:
            return False
        if self.expires_at is None or other.expires_at is None:
            return self.expires_at is other.expires_at
        life, used = self.expires_at - self.issued_at, other.issued_at - self.issued_at
        grain = max(life // 10, 1)
        return 0 <= used < grain and abs(other.expires_at - self.expires_at) <= grain
