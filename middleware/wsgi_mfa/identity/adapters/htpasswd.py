"""Password files of Apache's ``htpasswd`` and of nginx, read without a package for it.

Of the hashes that are in use ``{SHA}``, ``$apr1$``, ``$5$`` and ``$6$`` are known here: the first two are
``htpasswd -s`` and ``-m``, the other two those of the crypt function of glibc and of ``openssl passwd``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable
from pathlib import Path

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError

KNOWN = "{SHA}, $apr1$, $5$ and $6$"
_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PASSWORD_BYTES_MAX = 1024  # the work grows with the length, and it is a stranger who chooses that
_ROUNDS_MAX = 1_000_000
_APR1 = re.compile(r"\$apr1\$([^$]{0,8})\$([./0-9A-Za-z]{22})", re.ASCII)
_SHA_CRYPT = re.compile(
    r"\$([56])\$(?:rounds=([0-9]{1,9})\$)?([^$]{0,16})\$([./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})", re.ASCII
)
_SHA1 = re.compile(r"\{SHA\}([A-Za-z0-9+/]{27}=)", re.ASCII)
# Which bytes of a digest stand together in the text of a hash, three by three.
_APR1_ORDER = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))
_SHA256_ORDER = tuple((i * 21 % 30, (i * 21 + 10) % 30, (i * 21 + 20) % 30) for i in range(10))
_SHA512_ORDER = tuple((i * 22 % 63, (i * 22 + 21) % 63, (i * 22 + 42) % 63) for i in range(21))


class HtpasswdFile:
    """Checks passwords against a file of lines ``user:hash``, read again when it changes.

    :raises ConfigurationError: the file cannot be read, or a line of it has a hash that is not known here.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._stamp: tuple[int, int] | None = None
        self._hashes: dict[str, str] = {}
        problems = self.selftest()
        if problems:
            raise ConfigurationError("; ".join(problems), setting="htpasswd")

    def __call__(self, user: str, password: str) -> bool:
        """Whether ``password`` is that of ``user``.

        :raises AdapterUnavailableError: the file cannot be read at present.
        """
        try:
            hashes = self._read()
        except (OSError, ValueError) as error:
            raise AdapterUnavailableError(f"{self._path}: {error}") from None
        data = password.encode("utf-8", "surrogatepass")
        if len(data) > _PASSWORD_BYTES_MAX:
            return False
        known = hashes.get(user)
        if known is None:
            # The time that an answer takes must not tell who has a line in the file.
            if hashes:
                _matches(data, next(iter(hashes.values())))
            return False
        return _matches(data, known)

    def selftest(self) -> list[str]:
        """What is wrong with the file."""
        try:
            self._read()
        except (OSError, ValueError) as error:
            return [f"{self._path}: {error}"]
        return []

    def _read(self) -> dict[str, str]:
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._hashes = _hashes_in(self._path.read_text(encoding="utf-8"))
            self._stamp = stamp
        return self._hashes


def _hashes_in(text: str) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, known = line.partition(":")
        known = known.partition(":")[0].strip()
        if not colon or not user or _checker_of(known) is None:
            raise ValueError(
                f"line {number} is not USER:HASH with a hash of a known kind: legal are {KNOWN};"
                " for others give a checker= of your own"
            )
        if user in hashes:
            raise ValueError(f"line {number} names {user!r} a second time")
        hashes[user] = known
    return hashes


def _matches(password: bytes, known: str) -> bool:
    checker = _checker_of(known)
    return checker is not None and hmac.compare_digest(checker(password), known)


def _checker_of(known: str) -> Callable[[bytes], str] | None:
    """What makes the text of a hash of the kind of ``known`` out of a password."""
    if _SHA1.fullmatch(known):
        return lambda password: (
            "{SHA}" + base64.b64encode(hashlib.sha1(password, usedforsecurity=False).digest()).decode()
        )
    apr1 = _APR1.fullmatch(known)
    if apr1 is not None:
        salt = apr1[1].encode()
        return lambda password: f"$apr1${apr1[1]}${_apr1(password, salt)}"
    crypt = _SHA_CRYPT.fullmatch(known)
    if crypt is None or len(crypt[4]) != {"5": 43, "6": 86}[crypt[1]]:
        return None
    rounds = 5000 if crypt[2] is None else int(crypt[2])
    if not 1000 <= rounds <= _ROUNDS_MAX:
        return None
    name, order = ("sha256", _SHA256_ORDER) if crypt[1] == "5" else ("sha512", _SHA512_ORDER)
    head = known[: -len(crypt[4])]
    return lambda password: head + _sha_crypt(password, crypt[3].encode(), rounds, name, order)


def _apr1(password: bytes, salt: bytes) -> str:
    """Apache's variant of the MD5 crypt: a thousand rounds."""

    def md5(data: bytes) -> bytes:
        return hashlib.md5(data, usedforsecurity=False).digest()

    inner = md5(password + salt + password)
    data = password + b"$apr1$" + salt + _stretched(inner, len(password))
    length = len(password)
    while length:
        data += b"\0" if length & 1 else password[:1]
        length >>= 1
    digest = md5(data)
    for number in range(1000):
        data = password if number & 1 else digest
        data += salt if number % 3 else b""
        data += password if number % 7 else b""
        data += digest if number & 1 else password
        digest = md5(data)
    return _text(digest, _APR1_ORDER) + _symbols(digest[11], 2)


def _sha_crypt(
    password: bytes, salt: bytes, rounds: int, name: str, order: tuple[tuple[int, int, int], ...]
) -> str:
    """The SHA crypt of glibc (Drepper, 2007), its steps by their order there."""

    def digest_of(data: bytes) -> bytes:
        return hashlib.new(name, data).digest()

    inner = digest_of(password + salt + password)
    data = password + salt + _stretched(inner, len(password))
    length = len(password)
    while length:
        data += inner if length & 1 else password
        length >>= 1
    digest = digest_of(data)
    sequence = _stretched(digest_of(password * len(password)), len(password))
    salted = _stretched(digest_of(salt * (16 + digest[0])), len(salt))
    for number in range(rounds):
        data = sequence if number & 1 else digest
        data += salted if number % 3 else b""
        data += sequence if number % 7 else b""
        data += digest if number & 1 else sequence
        digest = digest_of(data)
    if name == "sha256":
        return _text(digest, order) + _symbols(digest[31] << 8 | digest[30], 3)
    return _text(digest, order) + _symbols(digest[63], 2)


def _stretched(data: bytes, length: int) -> bytes:
    return (data * (length // len(data) + 1))[:length]


def _text(digest: bytes, order: tuple[tuple[int, int, int], ...]) -> str:
    return "".join(_symbols(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in order)


def _symbols(value: int, count: int) -> str:
    """``value`` in the crypt functions' own base 64, the lowest six bits first."""
    return "".join(_ITOA64[value >> 6 * place & 63] for place in range(count))
