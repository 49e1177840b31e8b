"""Sealing the cookies of a response: which of them, for which user, and what else the client is sent."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence

from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.identity.request.cookie_header import CanonicalCookies
from wsgi_mfa.identity.request.response_identity import SetCookie, parse_set_cookie
from wsgi_mfa.identity.sealing.chunks import SECOND_NAME, SealTooLargeError
from wsgi_mfa.identity.sealing.contents import LIFE_SECONDS_MAX, SealedCookie
from wsgi_mfa.identity.sealing.expiry_record import ExpiryRecord
from wsgi_mfa.identity.sealing.seals import CookieSeals, Opened

logger = logging.getLogger("wsgi_mfa")

#: nginx reads the headers of an answer into one buffer of 4 or 8 KiB, and answers 502 where they do not fit.
WARNED_BYTES_MIN = 2900
_WARNED_NAMES_MAX = 256
_HEADER_CHARACTERS = len("set-cookie")

Headers = list[tuple[str, str]]


class CookieSealer:
    """Seals the cookies that one portal sets.

    ``declared`` are the cookies by which it knows its users, ``exempt`` those that are never sealed: our own, and
    those that a setting names. ``record`` notes how long its seals last.
    """

    def __init__(
        self,
        seals: CookieSeals,
        *,
        declared: Collection[str],
        exempt: Collection[str],
        record: ExpiryRecord | None = None,
    ) -> None:
        self._seals = seals
        self._declared = frozenset(declared) - frozenset(exempt)
        self._exempt = frozenset(exempt)
        self._record = record
        self._warned: set[str] = set()

    def sealed(
        self,
        headers: Headers,
        cookies: CanonicalCookies,
        *,
        caller: str | None,
        user: str | None,
        is_held: bool,
        now: int,
    ) -> Headers:
        """Return the headers that the client may get.

        ``cookies`` are those of the request, which passed as that of ``caller``. ``user`` is the account that is
        signed in after the response; each is None for a visitor. ``is_held`` says that the response is held because
        it signs ``user`` in, so that the client has shown the password alone: then cookies that scripts may read are
        sealed too. Any other response sets those in clear again, and renews seals under an old key.
        """
        given = [self._read(name, text, now) for name, text in headers]
        renewed: Headers = []
        if cookies.is_renewable and not is_held:
            renewed = list(self._renewed(given, cookies, caller=caller, now=now))
        if not any(given):
            return headers + renewed if renewed else headers
        texts = [text for (_, text), cookie in zip(headers, given, strict=True) if cookie]
        if len("".join(texts)) >= WARNED_BYTES_MIN:
            self._warn_of_size(texts)
        hidden = [each for each in given if each and self._is_hidden(each, is_held=is_held)]
        chunks = self._chunks(hidden, cookies, user=user, now=now)
        sent: Headers = []
        for (header, text), cookie in zip(headers, given, strict=True):
            if cookie is None:
                sent.append((header, text))
            else:
                is_hidden = self._is_hidden(cookie, is_held=is_held)
                sent += _sent(header, text, cookie, chunks if is_hidden else None, cookies.opened)
        return sent + renewed

    def _read(self, header: str, text: str, now: int) -> SetCookie | None:
        if len(header) != _HEADER_CHARACTERS or header.lower() != "set-cookie":
            return None
        cookie = parse_set_cookie(text, now=now)
        return None if cookie is None or cookie.name in self._exempt else cookie

    def _is_hidden(self, cookie: SetCookie, *, is_held: bool) -> bool:
        return cookie.name in self._declared or not cookie.is_readable or is_held

    def _chunks(
        self, hidden: Sequence[SetCookie], cookies: CanonicalCookies, *, user: str | None, now: int
    ) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return the chunks for each name and value: equal values get one seal, and the client's good one stays."""
        together: dict[tuple[str, str], list[SetCookie]] = {}
        for each in hidden:
            if each.value and not each.removed:
                together.setdefault((each.name, each.value), []).append(each)
        chunks: dict[tuple[str, str], tuple[str, ...]] = {}
        for (name, value), places in together.items():
            contents = SealedCookie(
                value=value,
                attributes=tuple(dict.fromkeys(each.attributes for each in places)),
                issued_at=now // SECOND,
                expires_at=_expiry_of(places, now),
                user=user,
                is_readable=name not in self._declared and all(each.is_readable for each in places),
            )
            kept = self._kept(name, contents, cookies.opened)
            try:
                chunks[name, value] = kept or self._made(name, contents, now)
            except (SealTooLargeError, ValueError) as error:
                logger.error("a cookie is not sent, since browsers would not keep it: %s", error)
        return chunks

    def _made(self, name: str, contents: SealedCookie, now: int) -> tuple[str, ...]:
        if self._record is not None:
            self._record.note(self._seals.ring.writing_id, contents.expires_at, now_seconds=now // SECOND)
        length = max(len(each) for each in contents.attributes) + _LIFETIME_CHARACTERS
        return self._seals.seal(name, contents, attributes_length=length)

    def _kept(self, name: str, contents: SealedCookie, opened: Sequence[Opened]) -> tuple[str, ...] | None:
        writing_id = self._seals.ring.writing_id
        for each in opened:
            if each.name == name and each.key_id == writing_id and each.cookie.serves_for(contents):
                return each.chunks
        return None

    def _renewed(
        self, given: Sequence[SetCookie | None], cookies: CanonicalCookies, *, caller: str | None, now: int
    ) -> Iterator[tuple[str, str]]:
        """Yield what replaces seals of the request: cookies in clear for their user, seals under the writing key."""
        named = {each.name for each in given if each is not None} | self._exempt
        writing_id = self._seals.ring.writing_id
        for name, cookie, key_id, chunks in cookies.opened:
            if name in named or (cookie.user not in (None, caller) and name not in self._declared):
                continue
            values: tuple[str, ...] = ()
            if cookie.is_readable and cookie.user == caller:
                values = (cookie.value,)
            elif key_id != writing_id:
                values = self._made(name, cookie, now)
            if not values:
                continue
            for attributes in cookie.attributes:
                rest = _attributes_with_life(attributes, cookie.life_left(now))
                yield from (
                    ("Set-Cookie", f"{_names(name)[n]}={value}{rest}") for n, value in enumerate(values)
                )
                if len(values) < len(chunks):
                    yield _taken_away(name + SECOND_NAME, attributes)

    def _warn_of_size(self, texts: Sequence[str]) -> None:
        size = sum(len(text) for text in texts)
        name = max(texts, key=len).partition("=")[0].strip()
        if name not in self._warned and len(self._warned) < _WARNED_NAMES_MAX:
            self._warned.add(name)
            logger.warning(
                "a response sets cookies of %d bytes, %r the longest of them, which are longer when sealed: proxies"
                " such as nginx need a larger buffer for them (proxy_buffer_size 16k, proxy_buffers 8 16k)",
                size,
                name,
            )


#: An expiry as a date or an age, with the words around it.
_LIFETIME_CHARACTERS = 64


def _names(name: str) -> tuple[str, str]:
    return name, name + SECOND_NAME


def _sent(
    header: str,
    text: str,
    cookie: SetCookie,
    chunks: dict[tuple[str, str], tuple[str, ...]] | None,
    opened: Sequence[Opened],
) -> Headers:
    """Return what is sent for one cookie of the portal; ``chunks`` is None for one that stays in clear."""
    name, (_, semicolon, rest) = cookie.name, text.partition(";")
    had_two = any(each.name == name and len(each.chunks) > 1 for each in opened)
    if chunks is None or not (cookie.value or cookie.removed):
        sent = [(header, text)]
    elif cookie.removed:
        # Portals were seen to take a session away with its id still in the value, and by the date of this very second,
        # which a client whose clock is slow keeps for a while: as an empty value, on which Trac fails.
        age = "" if "max-age" in rest.lower() else "; Max-Age=0"
        sent, had_two = [(header, f"{name}={semicolon}{rest}{age}")], True
    else:
        values = chunks.get((name, cookie.value), ())
        sent = [(header, f"{_names(name)[n]}={value}{semicolon}{rest}") for n, value in enumerate(values)]
        had_two = had_two and len(values) == 1
    return [*sent, _taken_away(name + SECOND_NAME, cookie.attributes)] if had_two else sent


def _taken_away(name: str, attributes: str) -> tuple[str, str]:
    return "Set-Cookie", f"{name}={_attributes_with_life(attributes, 0)}"


def _attributes_with_life(attributes: str, seconds: int | None) -> str:
    parts = [attributes] if attributes else []
    parts += [] if seconds is None else [f"Max-Age={seconds}"]
    return "".join(f"; {part}" for part in parts)


def _expiry_of(places: Sequence[SetCookie], now: int) -> int | None:
    """Return when the last of equal cookies expires, in seconds; None where one of them ends with the browser."""
    latest = 0
    for each in places:
        if each.expires_at is None:
            return None
        latest = max(latest, each.expires_at)
    return min(-(-latest // SECOND), now // SECOND + LIFE_SECONDS_MAX)
