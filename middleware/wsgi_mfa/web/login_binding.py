"""Put the labels of observed logins into the answers of a portal, and take them out of its requests.

The labels are those of :mod:`wsgi_mfa.identity.observed_login.binding`. To the middleware,
which wraps this, such a portal is one that signs its users in by a signed cookie.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from wsgi_mfa.clock import Clock
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter, FirstFactor
from wsgi_mfa.identity.adapters.chain import Chain, parts_of
from wsgi_mfa.identity.observed_login.binding import ObservedLogin, UnrecognizedSignInError
from wsgi_mfa.identity.observed_login.login_body import typed_in
from wsgi_mfa.identity.request.response_identity import kept_cookies
from wsgi_mfa.keys.ring import KeySource
from wsgi_mfa.web.cookies import expire_cookie, set_cookie
from wsgi_mfa.web.response_hold import Headers, ResponseHold, first_drawn, thrown_away

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")

PURPOSE = "cookie/login"
FORM_BYTES_MAX = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,10}", re.ASCII)
_REFUSED = b"The portal's answer to this sign-in was not understood, so nobody was signed in.\n"


def observed_around(
    application: WSGIApplication,
    identity: Adapter,
    keys: KeySource,
    clock: Clock,
    *,
    plain_http: bool,
    label: str,
) -> WSGIApplication:
    """``application`` with a label maker around it for each adapter that needs one, bound to ``keys``.

    ``label`` is that of the portal's cookies (D49).

    :raises ConfigurationError: an adapter's cookie would not come back over plain http, or be open over https.
    """
    for adapter in parts_of(identity):
        if not isinstance(adapter, ObservedLogin):
            continue
        if adapter.secure is plain_http:
            raise ConfigurationError(
                f"{type(adapter).__name__}: secure is {adapter.secure}: legal is {not plain_http} with"
                f" plain_http={plain_http}",
                setting="secure",
            )
        adapter.bind(
            sign=lambda message: keys.ring.sign_value(PURPOSE, message),
            check=lambda message, value: keys.ring.check_value(PURPOSE, message, value),
            label=label,
        )
        application = ObservedPortal(application, adapter, clock)
    if isinstance(identity, Chain):
        identity.join()
    return application


class ObservedPortal:
    """``application``, with its sign-ins watched by ``adapter``."""

    def __init__(self, application: WSGIApplication, adapter: ObservedLogin, clock: Clock) -> None:
        self._application = application
        self._adapter = adapter
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        adapter = self._adapter
        identification = adapter.identify(environ)
        before = identification if isinstance(identification, FirstFactor) else None
        cookies = _without(environ, adapter.label_cookie)
        had_label = cookies != environ.get("HTTP_COOKIE", "")
        if had_label:
            environ["HTTP_COOKIE"] = cookies
            if not cookies:
                del environ["HTTP_COOKIE"]
        signing_in = adapter.signs_in(environ)
        typed = self._typed(environ) if signing_in and adapter.field is not None else None
        path = environ.get("PATH_INFO", "")
        judge = partial(self._labelled, before, cookies, had_label, typed, signing_in, path)
        observer = ResponseHold(judge, start_response)
        iterable = self._application(environ, observer.start_response)
        if not observer.started:
            iterable = first_drawn(iterable, observer)
        instead = observer.held()
        if instead is None:
            return iterable
        thrown_away(iterable, self._clock)
        return instead(environ, start_response)

    def _labelled(
        self,
        before: FirstFactor | None,
        cookies: str,
        had_label: bool,
        typed: str | None,
        signing_in: bool,
        path: str,
        status: str,
        headers: Headers,
    ) -> tuple[Headers, WSGIApplication | None]:
        """The headers with the label that fits what the portal's cookies are from now on."""
        adapter = self._adapter
        after, kept = self._after(cookies, headers)
        sent = [pair for pair in headers if pair[0].lower() != adapter.stripped_header]
        label: str | None = None
        if signing_in:
            try:
                user = adapter.user_in(typed, int(status[:3]), headers, kept)
                label = adapter.label(after, user)
                if user is not None and label is None:
                    raise UnrecognizedSignInError(
                        f"a sign-in succeeded without one of the cookies {', '.join(adapter.cookies)}"
                    )
            except UnrecognizedSignInError as error:
                logger.error("held the answer to a sign-in: %s", error)
                return headers, _rejected
            if user is not None:
                # Whoever keeps one of those could come back by it alone.
                undeclared = set(adapter.undeclared(kept))
                sent = [pair for pair in sent if _cookie_set_by(pair) not in undeclared]
        elif path in adapter.sign_out_paths:
            label = None
        elif before is not None:
            if adapter.digest(after) == adapter.digest(cookies):
                return sent, None
            label = adapter.label(after, before.user, login=before.login)
        elif path in adapter.paths:
            label = adapter.label(after, None)
        else:
            # A visitor's cookie without a label is of no use, and would overwrite the one that the form needs.
            return [pair for pair in sent if _cookie_set_by(pair) not in adapter.cookies], None
        if label is not None:
            sent.append(set_cookie(adapter.label_cookie, label, secure=adapter.secure))
        elif had_label:
            sent.append(expire_cookie(adapter.label_cookie, secure=adapter.secure))
        return sent, None

    def _after(self, cookies: str, headers: Headers) -> tuple[str, list[str]]:
        """The portal's cookies once the browser has taken the answer in, and the names of those that it sets."""
        held = dict(part.partition("=")[::2] for part in cookies.split("; ") if part)
        kept: list[str] = []
        for name, places in kept_cookies(headers, now=self._clock.now()).items():
            held.pop(name, None)
            # As the next request's canonical form will have it: the last one, without quotes.
            value = list(places.values())[-1].strip('"') if places else ""
            if value:
                kept.append(name)
                held[name] = value
        return "; ".join(f"{name}={value}" for name, value in held.items()), kept

    def _typed(self, environ: WSGIEnvironment) -> str | None:
        """What was typed in the adapter's field; the body is read, and put back for the portal.

        None where it is not there exactly once, or in the query too: what the portal would take is unknown then.
        """
        length = str(environ.get("CONTENT_LENGTH") or "")
        if _LENGTH.fullmatch(length) is None or int(length) > FORM_BYTES_MAX:
            return None
        kind = str(environ.get("CONTENT_TYPE") or "")
        media_types = self._adapter.media_types
        if "HTTP_CONTENT_ENCODING" in environ or not kind.lower().startswith(media_types):
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
        query = str(environ.get("QUERY_STRING") or "")
        return typed_in(body, kind, query, field=self._adapter.field or "", media_types=media_types)


def _cookie_set_by(header: tuple[str, str]) -> str | None:
    """The name of the cookie that a header sets."""
    return header[1].partition("=")[0].strip() if header[0].lower() == "set-cookie" else None


def _without(environ: WSGIEnvironment, label: str) -> str:
    parts = str(environ.get("HTTP_COOKIE", "")).split("; ")
    return "; ".join(part for part in parts if part and part.partition("=")[0] != label)


def _rejected(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    headers: list[tuple[str, Any]] = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(_REFUSED))),
        ("Cache-Control", "no-store"),
    ]
    start_response("403 Forbidden", headers)
    return [_REFUSED]
