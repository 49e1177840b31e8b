"""A phone with an authenticator app: keys that it scanned, and a clock of its own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp

from mfa_simulator.errors import StepError
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.clocks import DeviceClock

DIGESTS = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthenticatorKey:
    """One row in an authenticator app."""

    account: str
    secret: str
    issuer: str = ""
    digits: int = 6
    period_seconds: int = 30
    algorithm: str = "SHA1"

    def step_at(self, now: int) -> int:
        """Give the time step of an instant."""
        return now // (self.period_seconds * SECOND)

    def code_at(self, step: int) -> str:
        """Give the code of a time step."""
        return pyotp.HOTP(self.secret, digits=self.digits, digest=DIGESTS[self.algorithm]).at(step)


def key_from_uri(uri: str) -> AuthenticatorKey:
    """Read what a QR code holds, an `otpauth://totp/...` URI, as authenticator apps read it."""
    parts = urlsplit(uri)
    if (parts.scheme, parts.netloc) != ("otpauth", "totp"):
        raise StepError(f"the phone cannot use this QR code: it begins with {parts.scheme}://{parts.netloc}")
    label = unquote(parts.path.removeprefix("/"))
    issuer, colon, account = label.partition(":")
    values = {name: entries[-1] for name, entries in parse_qs(parts.query).items()}
    if "secret" not in values:
        raise StepError("the phone cannot use this QR code: it holds no key")
    return AuthenticatorKey(
        account=account.strip() if colon else label,
        issuer=values.get("issuer", issuer if colon else ""),
        secret=values["secret"],
        digits=int(values.get("digits", "6")),
        period_seconds=int(values.get("period", "30")),
        algorithm=values.get("algorithm", "SHA1").upper(),
    )


def typed_key(secret: str, *, account: str, told: str) -> AuthenticatorKey:
    """Return the key that a user types, of the kind that the page tells in words.

    An app is left at what it offers first, 6 digits, 30 seconds and SHA1, unless the page says otherwise.
    """
    digits, period = re.search(r"(\d+) digits", told), re.search(r"(\d+) seconds", told)
    algorithm = re.search(r"SHA\d+", told)
    return AuthenticatorKey(
        account=account,
        secret="".join(secret.split()),
        digits=int(digits[1]) if digits else 6,
        period_seconds=int(period[1]) if period else 30,
        algorithm=algorithm[0] if algorithm else "SHA1",
    )


class Phone:
    """What one phone knows, and what it shows at the present moment."""

    def __init__(self, *, name: str, owner: str, clock: DeviceClock) -> None:
        self.name = name
        self.owner = owner
        self.clock = clock
        self._keys: list[AuthenticatorKey] = []
        self._in_use: AuthenticatorKey | None = None

    @property
    def has_key(self) -> bool:
        """Whether there is any row in the app."""
        return bool(self._keys)

    def add(self, key: AuthenticatorKey) -> None:
        """Scan or type a key; scanning the same one again changes nothing."""
        if key not in self._keys:
            self._keys.append(key)

    def use(self, key: AuthenticatorKey) -> None:
        """Remember the row that the portal accepted, which its owner will pick from now on."""
        self._in_use = key

    def key(self) -> AuthenticatorKey:
        """Give the row that its owner picks: the one last accepted, else the one last added."""
        if self._in_use is not None:
            return self._in_use
        if not self._keys:
            raise StepError(f"the phone {self.name} has no key yet: enroll it first")
        return self._keys[-1]

    def step(self, key: AuthenticatorKey | None = None) -> int:
        """Give the time step that the phone's own clock is in."""
        key = key or self.key()
        now = self.clock.now()
        if now < 0:
            raise StepError(f"the phone {self.name} shows a time before 1970, for which no app has a code")
        return key.step_at(now)

    def code(self, key: AuthenticatorKey | None = None) -> str:
        """Give the code that the phone shows now."""
        key = key or self.key()
        return key.code_at(self.step(key))

    def code_follows_at(self, step: int) -> int:
        """Give the first instant of true time, not before now, at which the code of `step` has been replaced."""
        return self.clock.when_it_shows((step + 1) * self.key().period_seconds * SECOND)

    def clone(self, *, name: str, clock: DeviceClock) -> Phone:
        """Copy the keys to another phone, as a backup or a thief does."""
        other = Phone(name=name, owner=self.owner, clock=clock)
        other._keys, other._in_use = list(self._keys), self._in_use
        return other

    def forget(self) -> None:
        """Lose every key with the phone."""
        self._keys, self._in_use = [], None
