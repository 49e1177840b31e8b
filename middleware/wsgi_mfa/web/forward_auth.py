"""``forward-auth``: the answer to a proxy that asks, before each request, whether it may pass (D8).

For portals that cannot load the middleware, behind nginx (``auth_request``), Caddy (``forward_auth``) or Traefik
(``ForwardAuth``). The proxy sends the headers of the original request; its path and method come in
``X-Forwarded-Uri`` and ``X-Forwarded-Method``, and count only from ``trusted_peers``. 200 lets the request pass,
with the one ``Cookie`` header that the portal is to read; anything else is for the client. nginx knows statuses
alone: it asks with ``?for=auth_request``, and is told where to lead the browser in ``X-Mfa-Location``.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.errors import AmbiguousCredentialError, ConfigurationError, InvalidUserError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter
from wsgi_mfa.identity.adapters.chain import parts_of
from wsgi_mfa.identity.observed_login.binding import ObservedLogin
from wsgi_mfa.identity.request.cookie_header import is_cookie_name
from wsgi_mfa.identity.request.head_limits import HeadTooLargeError, check_names, check_path, check_query
from wsgi_mfa.identity.request.proxy_checks import passed_on_cookies, undeclared_arguments, undeclared_headers
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer
from wsgi_mfa.web import access, gate, rejected_users, return_to, routes
from wsgi_mfa.web.http_errors import PlainHttpError, RejectedRequestError
from wsgi_mfa.web.reply import Reply, response_to
from wsgi_mfa.web.request import Directory, IncomingRequest, WebRequest, is_navigation
from wsgi_mfa.web.views import sign_out

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

logger = logging.getLogger("wsgi_mfa")

PATH = "/forward-auth"
COOKIES_PATH = "/forward-auth/cookies"
PATHS = (PATH, COOKIES_PATH)
STATUSES_ALONE = "auth_request"  # the value of the argument `for`

_METHOD = re.compile(r"[A-Z]{1,20}", re.ASCII)
_URI = re.compile(r"/[\x21-\x7e]*", re.ASCII)


def reject_unfit(identity: Adapter, *, renews_sessions: bool, sign_in_fields: object = ()) -> None:
    """Refuse an adapter that a proxy's question cannot be answered by.

    :raises ConfigurationError: it reads more than cookies, watches answers, which go past us here, or does not
        promise that a session's id is a new one after each sign-in, so that a request which began before could
        pass as the user.
    """
    name = type(identity).__name__
    if sign_in_fields or identity.traits.sign_in_fields:
        raise ConfigurationError(
            "sign_in_fields is given with forward_auth, which is shown no body: use the gateway, which looks for them",
            setting="sign_in_fields",
        )
    if identity.credentials.headers or identity.credentials.arguments or not identity.credentials.cookies:
        raise _unfit(
            f"{name} reads more than cookies: legal is an adapter of the portal's own session cookie"
        )
    if any(isinstance(part, ObservedLogin) for part in parts_of(identity)):
        raise _unfit(f"{name} watches the portal's answers, which go past us here: use the gateway")
    if not identity.traits.renews_sessions and not renews_sessions:
        raise _unfit(
            f"{name} does not know whether the portal gives a new session id at each sign-in: if it does, say"
            " renews_sessions = true"
        )


def _unfit(message: str) -> ConfigurationError:
    return ConfigurationError(f"forward_auth: {message}", setting="forward_auth")


def answer(
    incoming: IncomingRequest, sanitizer: RequestSanitizer, directory: Directory | None, path: str
) -> Response:
    """The answer to a request for ``path``, one of :data:`PATHS`, whose environ nobody has cleaned yet."""
    asked = _Asked(incoming)
    request: WebRequest = incoming
    try:
        path_asked, _, query = asked.uri.partition("?")
        check_path(path_asked)
        check_query(query)
        check_names(incoming.environ)
        request, reply = _reply(incoming, sanitizer, directory, asked)
        if path == COOKIES_PATH:
            return response_to(request, _about_cookies(request), as_json=request.wants_json)
    except RejectedRequestError as error:
        reply = routes.rejected(error)
    except AmbiguousCredentialError as error:
        reply = replace(rejected_users.unreadable(error), status=403)
    except HeadTooLargeError as error:
        reply = rejected_users.unreadable(error)
    except InvalidUserError as error:
        reply = rejected_users.rejected_user(incoming, error)
    if reply is None:
        return _passed(request)
    response = response_to(request, reply, as_json=not asked.is_navigation)
    return _status_alone(response) if request.argument("for") == STATUSES_ALONE else response


class _Asked:
    """The original request, as far as a listed proxy tells of it, and where its browser is to go in the end."""

    def __init__(self, request: WebRequest) -> None:
        environ = request.environ
        trusted = request.site.sources.trusts(environ)
        method = str(environ.get("HTTP_X_FORWARDED_METHOD", "")) if trusted else ""
        self.method = method if _METHOD.fullmatch(method) else "" if method else "GET"
        self.is_navigation = is_navigation(self.method, environ)
        uri = str(environ.get("HTTP_X_FORWARDED_URI", "")) if trusted else ""
        # Two values of one header are joined by a comma, and which of them is the proxy's nobody can tell.
        known = self.method in ("GET", "HEAD") and _URI.fullmatch(uri) and ",/" not in uri
        self.target = return_to.redirected(uri, environ, request.site.public) if known else request.root
        self.uri = uri


def _reply(
    incoming: IncomingRequest, sanitizer: RequestSanitizer, directory: Directory | None, asked: _Asked
) -> tuple[WebRequest, Reply | None]:
    """Return the reply that keeps the original request from the portal, None where it may pass, and the request."""
    if not incoming.is_https:
        setting = incoming.site.public.explain_plain_http(incoming.environ)
        raise PlainHttpError("the proxy must tell that the client used https", setting=setting)
    environ = incoming.environ
    raw, credentials = environ.get("HTTP_COOKIE", ""), sanitizer.adapter.credentials
    undeclared_credentials = [
        *undeclared_headers(environ, credentials, sanitizer.undeclared_credentials),
        *undeclared_arguments(asked.uri, sanitizer.undeclared_credentials),
    ]
    if sanitizer.path_parameters.removed_from_uri(asked.uri) != asked.uri:
        undeclared_credentials.append("a session in the path")
    sanitized = sanitizer.clean(environ)
    incoming = incoming.with_cleaned(sanitized)
    strays = passed_on_cookies(
        raw,
        sanitized.cookies,
        credentials,
        sanitizer.own_cookie_names,
        sanitizer.undeclared_credentials,
        sanitizer.cookie_reader.disguises,
    )
    identification = sanitized.identification
    if identification is not None and (identification is UNRESOLVED or identification.unproven is not None):
        strays = tuple(dict.fromkeys((*strays, *sanitized.cookies.credentials)))
    request = None if strays else gate.admitted(incoming, directory)
    if request is None:
        strays = strays or tuple(sanitized.cookies.credentials)
        # Nobody from here on, and with a form by which to be rid of those cookies that can be named.
        named = replace(sanitized, doubled=tuple(filter(is_cookie_name, strays)))
        incoming = incoming.with_cleaned(named)
        url = incoming.mount + COOKIES_PATH
        return incoming, Reply(page="continue", status=401, word="sign_in_required", location=url)
    if undeclared_credentials:
        message = f"{undeclared_credentials[0]} would reach the portal past the second factor"
        reply = Reply(page="bad_request", status=403, word="forbidden", context={"message": message})
        return request, reply
    if request.caller is None:
        return request, None
    outcome = request.state.outcome
    if request.site.rules:
        outcome = access.by_rule(request, request.caller, outcome)
    if outcome is Outcome.MUST_ENROLL and request.site.is_rolling_out:
        # Whether a page is opened tells the original request.
        opens_page = asked.method == "GET" and asked.is_navigation
        outcome = access.relaxed(request, request.caller, opens_page=opens_page)
    if outcome is Outcome.SIGNED_IN:
        return request, None
    return request, gate.redirect_to_page(request, outcome, asked.target)


def _passed(request: WebRequest) -> Response:
    """200, with what the portal is to read: the canonical cookies, and who it is where a second factor was shown."""
    from werkzeug.wrappers import Response

    told: dict[str, object] = {}
    gate.tell_application(request, told)
    response = Response("", 200, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    # All of them each time, empty where there is nothing to say: Caddy was seen to hand on its own placeholder else.
    response.headers["Cookie"] = str(request.environ.get("HTTP_COOKIE", ""))
    # Percent-encoded, since a name may hold what no header can (R71).
    response.headers["X-Mfa-User"] = quote(str(told.get("wsgi_mfa.user", "")), safe="@+!$&'()*,:;=/ ")
    response.headers["X-Mfa-Method"] = str(told.get("wsgi_mfa.method", ""))
    response.headers["X-Mfa-Verified-At"] = str(told.get("wsgi_mfa.verified_at", ""))
    return response


def _status_alone(response: Response) -> Response:
    """401 where the browser is to be led on, 403 for any other client, and 503; nginx answers all others 500."""
    location = response.headers.pop("Location", None)
    if location is not None:
        response.status_code = 401
        response.headers["X-Mfa-Location"] = location
    elif response.status_code != 503:
        response.status_code = 403
    return response


def _about_cookies(request: WebRequest) -> Reply:
    """The page that says which cookies cannot be read safely, and takes them away (D6, D8)."""
    names = request.sanitized.doubled
    if not names:
        return Reply(page="continue", status=401, word="sign_in_required", location=request.root)
    if request.method == "POST":
        return sign_out.post_clear_doubled(request)
    # The page has its own words in place of those about doubled cookies.
    return Reply(
        page="stale_sign_in",
        status=401,
        word="sign_in_required",
        context={"doubled": (), "cookies": names, "clear_url": request.mount + COOKIES_PATH},
    )
