"""Put the labels of observed logins into the answers of a portal, and take them out of its requests.

The labels are those of :mod:`wsgi_mfa.identity.observed_login.binding`. To the middleware,
which wraps this, such a portal is one that signs its users in by a signed cookie.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from wsgi_mfa.clock import Clock
from wsgi_mfa.entropy import Entropy
from wsgi_mfa.errors import ConfigurationError, StoreError
from wsgi_mfa.identity.adapter import Adapter, FirstFactor
from wsgi_mfa.identity.adapters.chain import Chain, parts_of
from wsgi_mfa.identity.observed_login.binding import ObservedLogin, UnrecognizedSignInError
from wsgi_mfa.identity.observed_login.bindings import LoginBindings
from wsgi_mfa.identity.observed_login.login_body import is_absent, typed_in
from wsgi_mfa.identity.observed_login.typed_names import TypedNames
from wsgi_mfa.identity.request.response_identity import kept_cookies
from wsgi_mfa.service import MfaService
from wsgi_mfa.web.cookies import expire_cookie, set_cookie
from wsgi_mfa.web.first_page import FirstPage
from wsgi_mfa.web.response_hold import Headers, ResponseHold, first_drawn, thrown_away

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")

PURPOSE = "cookie/login"
FORM_BYTES_MAX = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,10}", re.ASCII)
_UNSAVED = b"This sign-in could not be saved, so nobody was signed in. Try again later.\n"
#: In place of a label: the one that the browser has stays.
_UNCHANGED = ""
_REFUSED = b"The portal's answer to this sign-in was not understood, so nobody was signed in.\n"


def observed_around(
    application: WSGIApplication,
    identity: Adapter,
    service: MfaService,
    *,
    plain_http: bool,
    has_fields: bool,
    label: str,
) -> WSGIApplication:
    """Return ``application`` with an observer for each adapter that needs one, bound to keys and store of ``service``.

    ``label`` is that of the portal's cookies (D49).

    :raises ConfigurationError: an adapter's cookie would not come back over plain http, or be open over https; or the
        portal renews its cookies in responses and no fields are watched.
    """
    keys, clock = service.keys, service.clock
    for adapter in parts_of(identity):
        if not isinstance(adapter, ObservedLogin):
            continue
        if adapter.secure is plain_http:
            raise ConfigurationError(
                f"{type(adapter).__name__}: secure is {adapter.secure}: legal is {not plain_http} with"
                f" plain_http={plain_http}",
                setting="secure",
            )
        if adapter.renews_in_responses and not has_fields:
            raise ConfigurationError(
                f"{type(adapter).__name__}: renews_in_responses needs sign_in_fields, since a sign-in by another way"
                " than the sign-in page would pass for a renewal",
                setting="renews_in_responses",
            )
        bindings = LoginBindings(service.store, keys=keys, clock=clock)
        adapter.bind(
            find=partial(_found, bindings, clock),
            is_too_old=bindings.is_too_old,
            now=clock.now,
            sign=lambda message: keys.ring.sign_value(PURPOSE, message),
            check=lambda message, value: keys.ring.check_value(PURPOSE, message, value),
            label=label,
        )
        first_page = None
        if adapter.has_first_page:
            first_page = FirstPage(adapter, TypedNames(service.store, keys=keys, clock=clock))
        application = ObservedPortal(application, adapter, bindings, first_page, clock, service.entropy)
    if isinstance(identity, Chain):
        identity.join()
    return application


def _found(bindings: LoginBindings, clock: Clock, credential: str) -> tuple[str | None, str] | None:
    binding = bindings.find(credential)
    return None if binding is None else (binding.user_at(clock.now()), binding.login)


class Observed(NamedTuple):
    """One request to the portal: the user before it, the portal's cookies, and what is known of a sign-in by it."""

    before: FirstFactor | None
    cookies: str
    had_label: bool
    typed: str | None
    signing_in: bool
    naming: bool
    environ: Mapping[str, Any]


class ObservedPortal:
    """``application``, with its sign-ins watched by ``adapter``."""

    def __init__(
        self,
        application: WSGIApplication,
        adapter: ObservedLogin,
        bindings: LoginBindings,
        first_page: FirstPage | None,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._application = application
        self._adapter = adapter
        self._bindings = bindings
        self._first_page = first_page
        self._clock = clock
        self._entropy = entropy

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
        if signing_in and before is not None and not self._has_ended(cookies):
            return _unavailable(environ, start_response)
        typed, first = None, self._first_page
        naming = first is not None and first.is_naming(environ)
        if (signing_in or naming) and adapter.field is not None:
            typed = self._typed(environ, cookies)
        if naming and first is not None and not first.is_only_name(cookies, typed):
            return first.begin_again(environ, start_response)
        observed = Observed(before, cookies, had_label, typed, signing_in, naming, dict(environ))
        observer = ResponseHold(partial(self._judged, observed), start_response)
        iterable = self._application(environ, observer.start_response)
        if not observer.started:
            iterable = first_drawn(iterable, observer)
        instead = observer.held()
        if instead is None:
            return iterable
        thrown_away(iterable, self._clock)
        return instead(environ, start_response)

    def _has_ended(self, cookies: str) -> bool:
        """End the binding of a user who sends the sign-in form again, before the portal can make it another user's."""
        digest = self._adapter.digest(cookies)
        try:
            if digest is not None:
                self._bindings.end(digest)
        except StoreError:
            logger.exception("a sign-in was refused: the binding before it could not be ended")
            return False
        return True

    def _judged(
        self, observed: Observed, status: str, headers: Headers
    ) -> tuple[Headers, WSGIApplication | None]:
        """The headers with the label that fits what the portal's cookies are from now on."""
        adapter = self._adapter
        after, kept = self._after(observed.cookies, headers)
        sent = [pair for pair in headers if pair[0].lower() != adapter.stripped_header]
        try:
            if observed.signing_in:
                sent, label = self._signed_in(observed, int(status[:3]), headers, sent, after, kept)
            else:
                if self._first_page is not None:
                    self._first_page.follow(
                        observed.cookies, after, typed=observed.typed, naming=observed.naming
                    )
                sent, label = self._followed(observed, sent, after)
        except UnrecognizedSignInError as error:
            logger.error("held the answer to a sign-in: %s", error)
            return headers, _rejected
        except StoreError:
            # Without its binding the credential would be nobody's, or still another user's (D41).
            logger.exception("a response was held: the binding of a login could not be saved")
            return headers, _unavailable
        if label == _UNCHANGED:
            return sent, None
        if label is not None:
            sent.append(set_cookie(adapter.label_cookie, label, secure=adapter.secure))
        elif observed.had_label:
            sent.append(expire_cookie(adapter.label_cookie, secure=adapter.secure))
        return sent, None

    def _signed_in(
        self,
        observed: Observed,
        status: int,
        headers: Headers,
        sent: Headers,
        after: str,
        kept: list[str],
    ) -> tuple[Headers, str | None]:
        """Bind the cookies to the user whom a sign-in has signed in; return the headers to send, and the label.

        :raises UnrecognizedSignInError: the response is neither that of a right password nor that of a wrong one.
        :raises StoreError: the binding could not be saved.
        """
        adapter = self._adapter
        user = adapter.user_in(observed.typed, status, headers, kept)
        digest, digest_before = adapter.digest(after), adapter.digest(observed.cookies)
        if user is None:
            return sent, adapter.visitor_label(after, now=self._clock.now())
        if digest is None:
            raise UnrecognizedSignInError(
                f"a sign-in succeeded without one of the cookies {', '.join(adapter.cookies)}"
            )
        login = self._entropy.token_bytes(16).hex()
        was_visitors = digest == digest_before and observed.before is None
        self._bindings.bind(digest, user=user, login=login, was_visitors=was_visitors, replaced=digest_before)
        # A client that keeps one of those could come back by it alone.
        undeclared = set(adapter.undeclared(kept))
        return [pair for pair in sent if _cookie_set_by(pair) not in undeclared], adapter.user_label(login)

    def _followed(self, observed: Observed, sent: Headers, after: str) -> tuple[Headers, str | None]:
        """Follow what a response that is none to a sign-in does to the cookies; the headers to send, and the label.

        :raises StoreError: the change of a binding could not be saved.
        """
        adapter, before = self._adapter, observed.before
        digest, digest_before = adapter.digest(after), adapter.digest(observed.cookies)
        if adapter.is_sign_out_path(str(observed.environ.get("PATH_INFO", ""))):
            if digest_before is not None:
                self._bindings.end(digest_before)
            return sent, None
        if before is not None:
            if digest == digest_before:
                return sent, _UNCHANGED
            binding = None if digest_before is None else self._bindings.find(digest_before)
            is_own = binding is not None and binding.login == before.login
            if adapter.renews_in_responses and digest is not None and binding is not None and is_own:
                self._bindings.renew(str(digest_before), digest, binding)
                return sent, _UNCHANGED
            # Another value that no sign-in has brought: whose it is, is unknown.
            if digest_before is not None:
                self._bindings.end(digest_before)
            return self._without_cookies(sent) if digest is not None else sent, None
        if adapter.is_sign_in_path(observed.environ):
            label = adapter.visitor_label(after, now=self._clock.now())
            return sent if label is not None else self._without_cookies(sent), label
        # A visitor's cookie without a label is of no use, and would overwrite the one that the form needs.
        return self._without_cookies(sent), _UNCHANGED

    def _without_cookies(self, headers: Headers) -> Headers:
        return [pair for pair in headers if _cookie_set_by(pair) not in self._adapter.cookies]

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

    def _typed(self, environ: WSGIEnvironment, cookies: str) -> str | None:
        """What was typed in the adapter's field, or on the page before; the body is read, and put back for the portal.

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
        field = self._adapter.field or ""
        typed = typed_in(body, kind, query, field=field, media_types=media_types)
        if self._first_page is None or self._adapter.is_first_page(environ):
            return typed
        absent = is_absent(body, kind, query, field=field, media_types=media_types)
        named = self._first_page.name_with(cookies)
        return named if absent or typed == named else None


def _cookie_set_by(header: tuple[str, str]) -> str | None:
    """The name of the cookie that a header sets."""
    return header[1].partition("=")[0].strip() if header[0].lower() == "set-cookie" else None


def _without(environ: WSGIEnvironment, label: str) -> str:
    parts = str(environ.get("HTTP_COOKIE", "")).split("; ")
    return "; ".join(part for part in parts if part and part.partition("=")[0] != label)


def _unavailable(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return _plain("503 Service Unavailable", _UNSAVED, start_response)


def _rejected(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return _plain("403 Forbidden", _REFUSED, start_response)


def _plain(status: str, text: bytes, start_response: StartResponse) -> Iterable[bytes]:
    headers: list[tuple[str, Any]] = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(text))),
        ("Cache-Control", "no-store"),
    ]
    start_response(status, headers)
    return [text]
