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

from wsgi_mfa.core.outcome import Outcome
from wsgi_mfa.errors import AmbiguousCarrierError, ConfigurationError, InvalidUserError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter
from wsgi_mfa.identity.chain import parts_of
from wsgi_mfa.identity.clean import RequestCleaner
from wsgi_mfa.identity.cookies import is_cookie_name
from wsgi_mfa.identity.paired import PairedLogin
from wsgi_mfa.identity.strays import stray_cookies, undeclared_arguments, undeclared_headers
from wsgi_mfa.web import gate, pages, rollout, rules, targets
from wsgi_mfa.web.refusals import PlainHttpError, RefusedRequestError
from wsgi_mfa.web.reply import Reply, response_to
from wsgi_mfa.web.site import Directory, WebRequest, is_navigation
from wsgi_mfa.web.views import leaving

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

logger = logging.getLogger("wsgi_mfa")

PATH = "/forward-auth"
COOKIES_PATH = "/forward-auth/cookies"
PATHS = (PATH, COOKIES_PATH)
STATUSES_ALONE = "auth_request"  # the value of the argument `for`

_METHOD = re.compile(r"[A-Z]{1,20}", re.ASCII)
_URI = re.compile(r"/[\x21-\x7e]*", re.ASCII)


def refuse_unfit(identity: Adapter, *, renews_sessions: bool) -> None:
    """Refuse an adapter that a proxy's question cannot be answered by.

    :raises ConfigurationError: it reads more than cookies, watches answers, which go past us here, or does not
        promise that a session's id is a new one after each sign-in, so that a request which began before could
        pass as the user.
    """
    name = type(identity).__name__
    if identity.carriers.headers or identity.carriers.arguments or not identity.carriers.cookies:
        raise _unfit(
            f"{name} reads more than cookies: legal is an adapter of the portal's own session cookie"
        )
    if any(isinstance(part, PairedLogin) for part in parts_of(identity)):
        raise _unfit(f"{name} watches the portal's answers, which go past us here: use the gateway")
    if not identity.traits.renews_sessions and not renews_sessions:
        raise _unfit(
            f"{name} does not know whether the portal gives a new session id at each sign-in: if it does, say"
            " renews_sessions = true"
        )


def _unfit(message: str) -> ConfigurationError:
    return ConfigurationError(f"forward_auth: {message}", setting="forward_auth")


def answer(request: WebRequest, cleaner: RequestCleaner, directory: Directory | None, path: str) -> Response:
    """The answer to a request for ``path``, one of :data:`PATHS`, whose environ nobody has cleaned yet."""
    asked = _Asked(request)
    try:
        reply = _reply(request, cleaner, directory, asked)
        if path == COOKIES_PATH:
            return response_to(request, _about_cookies(request), as_json=request.wants_json)
    except RefusedRequestError as error:
        reply = pages.refused(error)
    except AmbiguousCarrierError as error:
        reply = replace(gate.ambiguous(error), status=403)
    except InvalidUserError as error:
        logger.warning("refused a user: %s", error)
        reply = gate.refused_user()
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
        self.target = targets.redirected(uri, environ) if known else request.root
        self.uri = uri


def _reply(
    request: WebRequest, cleaner: RequestCleaner, directory: Directory | None, asked: _Asked
) -> Reply | None:
    """What stands between the original request and the portal; None when nothing does."""
    if not request.is_https:
        raise PlainHttpError("the proxy must tell that the client used https")
    environ = request.environ
    raw, carriers = environ.get("HTTP_COOKIE", ""), cleaner.adapter.carriers
    doors = [
        *undeclared_headers(environ, carriers, cleaner.doors),
        *undeclared_arguments(asked.uri, cleaner.doors),
    ]
    cleaned = request.cleaned = cleaner.clean(environ)
    strays = stray_cookies(raw, cleaned.cookies, carriers, cleaner.own_cookie_names, cleaner.doors)
    identification = cleaned.identification
    if identification is not None and (identification is UNRESOLVED or identification.unproven is not None):
        strays = tuple(dict.fromkeys((*strays, *cleaned.cookies.carriers)))
    if not strays and not gate.admit(request, directory):
        strays = tuple(cleaned.cookies.carriers)
    if strays:
        # Nobody from here on, and with a form by which to be rid of those cookies that can be named.
        request.forget_caller()
        request.cleaned = replace(cleaned, doubled=tuple(filter(is_cookie_name, strays)))
        url = request.mount + COOKIES_PATH
        return Reply(page="continue", status=401, word="sign_in_required", location=url)
    if doors:
        message = f"{doors[0]} would reach the portal past the second factor"
        return Reply(page="bad_request", status=403, word="forbidden", context={"message": message})
    if request.caller is None:
        return None
    outcome = request.standing.outcome
    if request.site.rules:
        outcome = rules.by_rule(request, request.caller, outcome)
    if outcome is Outcome.MUST_ENROLL and request.site.is_rolling_out:
        # Whether a page is opened tells the original request.
        opens_page = asked.method == "GET" and asked.is_navigation
        outcome = rollout.eased(request, request.caller, opens_page=opens_page)
    return None if outcome is Outcome.SIGNED_IN else gate.led_from_application(request, outcome, asked.target)


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
    names = request.cleaned.doubled
    if not names:
        return Reply(page="continue", status=401, word="sign_in_required", location=request.root)
    if request.method == "POST":
        return leaving.post_clear_doubled(request)
    # The page has its own words in place of those about doubled cookies.
    return Reply(
        page="stale_sign_in",
        status=401,
        word="sign_in_required",
        context={"doubled": (), "cookies": names, "clear_url": request.mount + COOKIES_PATH},
    )
