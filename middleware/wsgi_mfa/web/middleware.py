"""``MfaMiddleware``: the one object that goes around an application."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from wsgi_mfa.clock import Clock, SystemClock
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.key_uri import checked_issuer
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.rollout import is_rolling_out
from wsgi_mfa.entropy import Entropy, SystemEntropy
from wsgi_mfa.errors import AmbiguousCredentialError, ConfigurationError, InvalidUserError
from wsgi_mfa.heartbeat import Heartbeat
from wsgi_mfa.identity.adapter import Adapter, problems_of
from wsgi_mfa.identity.request.response_identity import without_own_cookies
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, SanitizedRequest
from wsgi_mfa.identity.request.undeclared import undeclared_from
from wsgi_mfa.keys.ring import KeyRing, KeySource
from wsgi_mfa.metrics import Metrics
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import Store
from wsgi_mfa.support.account_view import AccountFinder
from wsgi_mfa.support.agents import agents_from
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.web import app_response, arrival, gate, routes
from wsgi_mfa.web import forward_auth as forwarding
from wsgi_mfa.web.app_response import answered, passed_unchanged
from wsgi_mfa.web.client_address import ClientAddressReader, SprayWatch
from wsgi_mfa.web.cookie_label import CookieLabels
from wsgi_mfa.web.cookies import CookieNames, CookieSigner
from wsgi_mfa.web.forms import discard_body
from wsgi_mfa.web.login_binding import observed_around
from wsgi_mfa.web.public_url import read_public_url
from wsgi_mfa.web.reply import Reply, response_to
from wsgi_mfa.web.request import Directory, Site, WebRequest
from wsgi_mfa.web.response_hold import (
    Headers,
    ResponseHold,
    first_drawn,
)
from wsgi_mfa.web.return_to import ReturnUrlSigner
from wsgi_mfa.web.start import closed_paths, opened_store, read_site_rules
from wsgi_mfa.web.worker_cache import UsedAppendedCodes, WorkerCache

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")

WAYS_MAX = 32
_MOUNT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)


class Way(NamedTuple):
    """The cookies' names over one port, the cleaner that knows them, and a request of which nothing is known."""

    names: CookieNames
    sanitizer: RequestSanitizer
    nothing: SanitizedRequest


class MfaMiddleware:
    """Wraps a WSGI application so that nobody who is signed in reaches it without a second factor.

    ``identity`` tells who passed the first factor; ``store`` is a store or its URL, such as
    ``sqlite:///mfa.db``; ``keys`` is the key ring, or a :class:`~wsgi_mfa.keys.key_file.KeyFile` with one, and
    there is no way to run without. ``directory`` maps what a user typed to the one
    :class:`~wsgi_mfa.directory.Person` behind it; without it an id with ``@`` is its own address.
    ``url`` is the portal's public URL, and ``hosts`` are further names by which browsers reach it; requests for
    other hosts are rejected. ``scheme_from`` names the header in which a trusted proxy tells the scheme, of
    which ``proxy_count`` proxies in a row write one entry each; with ``tls_in_front`` all requests of listed
    proxies count as https. ``plain_http`` serves our pages without https: only for a portal on a loopback
    address (D35, D48). ``cookie_label`` is part of the names of our cookies in place of one that is derived
    (D49). ``undeclared_credentials`` are further ways into the portal that are taken out of requests, such as
    ``cookie stay_signed_in`` or ``header X-Portal-Key``, or closed to all without a second factor, such as
    ``path /xmlrpc`` (D4). ``notify`` is called once for each event that the user should hear of by another way,
    without secrets in it (R32). ``support_agents`` are the users, and groups of the directory as
    ``group:NAME``, who may use the support desk at ``mount_path/support``; without any there is none over HTTP
    (R44). With ``forward_auth`` a proxy may ask at ``mount_path/forward-auth`` for requests that go past us;
    ``renews_sessions`` promises that the portal gives a new session id at each sign-in, where the adapter
    cannot know (D8). ``metrics`` takes numbers for the operator (D26).

    :raises ConfigurationError: a setting is wrong; the message names it and what is legal.
    """

    def __init__(
        self,
        application: WSGIApplication,
        *,
        issuer: str,
        identity: Adapter,
        store: Store | str,
        keys: KeySource,
        policy: Policy | None = None,
        directory: Directory | None = None,
        mount_path: str = "/mfa",
        support_contact: str | None = None,
        support_agents: Sequence[str] = (),
        plain_http: bool = False,
        url: str | None = None,
        hosts: Sequence[str] = (),
        scheme_from: str | None = None,
        tls_in_front: bool = False,
        proxy_count: int | None = None,
        cookie_label: str | None = None,
        undeclared_credentials: Sequence[str] = (),
        notify: Callable[[Event], None] | None = None,
        metrics: Metrics | None = None,
        forward_auth: bool = False,
        renews_sessions: bool = False,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        if not isinstance(getattr(keys, "ring", None), KeyRing):
            raise ConfigurationError(
                "keys must be a KeyRing, such as KeyRing.from_environment()", setting="keys"
            )
        if _MOUNT_PATH.fullmatch(mount_path) is None or {".", ".."} & set(mount_path.split("/")):
            raise ConfigurationError(
                f"mount_path is {mount_path!r}: legal is a path such as /mfa, without a slash at its end",
                setting="mount_path",
            )
        problems = problems_of(identity, has_directory=directory is not None)
        if problems:
            raise ConfigurationError(f"identity: {'; '.join(problems)}", setting="identity")
        if forward_auth:
            forwarding.reject_unfit(identity, renews_sessions=renews_sessions)
        clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
        agents = agents_from(support_agents, has_directory=directory is not None)
        import werkzeug.wrappers  # noqa: F401 - now, and not while the first page is waited for in each worker

        self.service = MfaService(
            store=opened_store(store, clock, entropy),
            keys=keys,
            policy=policy or Policy(),
            clock=clock,
            entropy=entropy,
            notify=notify,
            metrics=metrics,
        )
        sources = ClientAddressReader(self.service.policy.trusted_peers)
        public = read_public_url(
            plain_http=plain_http,
            url=url,
            hosts=hosts,
            scheme_from=scheme_from,
            tls_in_front=tls_in_front,
            proxy_count=proxy_count,
            trusts=sources.trusts if self.service.policy.trusted_peers else None,
        )
        self._labels = CookieLabels(
            store_id=self.service.store.identity.store_id,
            mount_path=mount_path,
            public=public,
            issuer=issuer,
            fixed=cookie_label,
        )
        self.application = observed_around(
            application, identity, keys, clock, plain_http=plain_http, label=self._labels.of_portal
        )
        self._heartbeat = Heartbeat(store=self.service.store, keys=keys)
        self._identity = identity
        self._undeclared_credentials = undeclared_from(undeclared_credentials)
        self._directory = directory
        self._forwarding = forwarding.PATHS if forward_auth else ()
        self._has_exemptions = bool(self.service.policy.exempt_paths or self.service.policy.exempt_methods)
        self._ways: dict[tuple[str, str], Way] = {}
        self._site = Site(
            service=self.service,
            rules=read_site_rules(self.service.policy, directory, forward_auth=forward_auth),
            closed_paths=closed_paths(self._undeclared_credentials, forward_auth=forward_auth),
            is_rolling_out=is_rolling_out(self.service.policy),
            issuer=checked_issuer(issuer),
            mount_path=mount_path,
            support_contact=support_contact,
            cookies=CookieSigner(keys=keys, store_id=self.service.store.identity.store_id),
            targets=ReturnUrlSigner(keys),
            sources=sources,
            watch=SprayWatch(clock, self.service.meter),
            spent=UsedAppendedCodes(),
            passes=WorkerCache(),
            public=public,
            desk=SupportDesk(self.service, directory=directory, protected=agents),
            finder=AccountFinder(self.service, directory=directory),
            agents=agents,
            authenticate=identity.traits.www_authenticate,
        )
        # Made now, so that a portal's cookie with one of our names is an error of the start.
        self._only_way = self._made_way(self._labels.names()) if self._labels.is_fixed else None
        self._way_of({"SCRIPT_NAME": "", "SERVER_PORT": "443"})

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        names, sanitizer, nothing = self._only_way or self._way_of(environ)
        path = routes.path_below(self._site.mount_path, environ.get("PATH_INFO", ""))
        request = WebRequest(self._site, environ, names, nothing, self.service.clock.now())
        if not self._heartbeat.since <= request.now < self._heartbeat.until:
            self._heartbeat.beat(request.now)
        try:
            response: WSGIApplication | None = arrival.answer(request) if path == arrival.PATH else None
            if response is None and self._site.public.takes(environ):
                response = self._own_response(request, sanitizer, environ, path)
            elif response is None:
                response = response_to(request, routes.misdirected(request), as_json=_as_json(request, path))
        except Exception:
            # Whatever failed, nobody gets further by it (R80).
            logger.exception("a request was answered 503")
            response = self._unavailable(request, as_json=_as_json(request, path))
        if response is not None:
            if path is None:
                discard_body(environ, self.service.clock)
            return response(environ, start_response)
        return self._pass(request, sanitizer, environ, start_response)

    def _own_response(
        self, request: WebRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment, path: str | None
    ) -> WSGIApplication | None:
        """Our answer to a request; None when it may pass to the application."""
        if environ.get("wsgi.multiprocess") and not self.service.store.shared_between_processes:
            raise ConfigurationError(
                "store: several processes need a store that they share (R24)", setting="store"
            )
        if path in self._forwarding:
            return forwarding.answer(request, sanitizer, self._directory, str(path))
        try:
            request.sanitized = sanitizer.clean(environ)
        except AmbiguousCredentialError as error:
            return response_to(request, gate.ambiguous(error), as_json=_as_json(request, path))
        if path is None and self._has_exemptions and gate.is_exempt(request):
            self._exempt(request, sanitizer, environ)
            return None
        try:
            reply = self._reply(request, sanitizer, environ, path)
        except InvalidUserError as error:
            logger.warning("refused a user: %s", error)
            gate.treat_as_nobody(request)
            leaves = path == "/sign-out" and request.method == "POST" and bool(request.sanitized.doubled)
            reply = routes.answer(request, path or "") if leaves else gate.rejected_user()
        if reply is None:
            gate.tell_application(request, environ)
            return None
        return response_to(request, reply, as_json=_as_json(request, path))

    def _reply(
        self, request: WebRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment, path: str | None
    ) -> Reply | None:
        """Our page, a challenge, or None for a request that may pass."""
        if not gate.admit(request, self._directory):
            sanitizer.remove_credentials(environ, request.sanitized)
        if path is not None:
            return routes.answer(request, path)
        return gate.challenge(request)

    def _exempt(self, request: WebRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment) -> None:
        """Let a request for an exempt path pass: as its user after the second factor, as nobody before it.

        Neither a missing second factor nor a store that fails keeps anybody from an exempt path (R80).
        """
        try:
            if self._reply(request, sanitizer, environ, None) is None:
                gate.tell_application(request, environ)
                return
        except Exception:
            logger.exception("an exempt path was answered as to nobody")
        request.forget_caller()
        sanitizer.remove_credentials(environ, request.sanitized)

    def _pass(
        self,
        request: WebRequest,
        sanitizer: RequestSanitizer,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Call the application, and watch what its answer does to the user."""
        if not self._identity.traits.user_changes_in_response:
            return passed_unchanged(
                self.application, request, sanitizer.own_cookie_names, environ, start_response
            )
        request.environ = environ.copy()  # applications change their environ
        observer = ResponseHold(partial(self._judged, request, sanitizer), start_response)
        iterable = self.application(environ, observer.start_response)
        if not observer.started:
            iterable = first_drawn(iterable, observer)
        return answered(request, observer, iterable, start_response)

    def _judged(
        self, request: WebRequest, sanitizer: RequestSanitizer, status: str, headers: Headers
    ) -> tuple[Headers, WSGIApplication | None]:
        headers = without_own_cookies(headers, sanitizer.own_cookie_names)
        as_json = not request.is_navigation
        try:
            headers, reply = app_response.judged_response(request, sanitizer, self._directory, headers)
            if reply is None and status.startswith("401"):
                headers, reply = app_response.judged_challenge(request, headers)
            return headers, None if reply is None else response_to(request, reply, as_json=as_json)
        except Exception:
            # Not raised here: the application called us, and would take it for its own failure.
            logger.exception("a response was held and answered 503")
            return headers, self._unavailable(request, as_json=as_json)

    def _unavailable(self, request: WebRequest, *, as_json: bool) -> WSGIApplication:
        """A 503 that needs no store and no adapter."""
        nobody = WebRequest(self._site, request.environ, request.names, request.sanitized, now=request.now)
        return response_to(nobody, routes.unavailable(), as_json=as_json)

    def _way_of(self, environ: Mapping[str, object]) -> Way:
        """Return what belongs to requests below one script name, over plain http at one port too (D49)."""
        script_name = str(environ.get("SCRIPT_NAME", ""))
        port = str(environ.get("SERVER_PORT", "")) if self._site.public.plain_http else ""
        found = self._ways.get((script_name, port))
        if found is None:
            if len(self._ways) >= WAYS_MAX:  # some servers take the script name from a request header
                self._ways.clear()
            names = self._labels.names(script_name=script_name, port=port)
            found = self._ways[script_name, port] = self._made_way(names)
        return found

    def _made_way(self, names: CookieNames) -> Way:
        sanitizer = RequestSanitizer(
            self._identity, own_cookie_names=names.all, extra_undeclared=self._undeclared_credentials
        )
        return Way(names, sanitizer, _nothing(sanitizer))


def _as_json(request: WebRequest, path: str | None) -> bool:
    """Below our own path a client says what it reads; elsewhere all but a person's navigation get a problem."""
    return request.wants_json if path is not None else not request.is_navigation


def _nothing(sanitizer: RequestSanitizer) -> SanitizedRequest:
    """What is known of a request that was not read yet."""
    return SanitizedRequest(
        identification=None, cookies=sanitizer.cookie_reader.read(""), doubled=(), credentials_digest=None
    )
