"""``MfaMiddleware``: the one object that goes around an application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

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
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer, declared_cookies
from wsgi_mfa.identity.request.undeclared import undeclared_from
from wsgi_mfa.identity.sealing.settings import seal_settings
from wsgi_mfa.keys.ring import KeyRing, KeySource
from wsgi_mfa.metrics import Metrics
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import Store
from wsgi_mfa.support.account_view import AccountFinder
from wsgi_mfa.support.agents import agents_from
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.web import app_response, arrival, gate, routes
from wsgi_mfa.web import forward_auth as forwarding
from wsgi_mfa.web.api_credentials import read_api_credentials
from wsgi_mfa.web.app_password import ProgramRequest, without_cookies
from wsgi_mfa.web.app_response import answered, passed_unchanged
from wsgi_mfa.web.client_address import AttemptLimit, SprayWatch
from wsgi_mfa.web.cookie_label import CookieLabels
from wsgi_mfa.web.cookie_path import CookiePathCheck
from wsgi_mfa.web.cookies import CookieSigner
from wsgi_mfa.web.forms import discard_body
from wsgi_mfa.web.login_binding import observed_around
from wsgi_mfa.web.reply import Reply, response_to
from wsgi_mfa.web.request import Directory, IncomingRequest, Site, WebRequest, path_below
from wsgi_mfa.web.response_hold import Headers, ResponseHold, first_drawn
from wsgi_mfa.web.return_to import ReturnUrlSigner
from wsgi_mfa.web.sealing import Sealing, sealed
from wsgi_mfa.web.settings import check_mount_path, checked_rules, closed_paths, opened_store, public_url_of
from wsgi_mfa.web.way import Way, Ways, way_of
from wsgi_mfa.web.worker_cache import UsedAppendedCodes, WorkerCache

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("wsgi_mfa")


class MfaMiddleware:
    """Wraps a WSGI application so that nobody who is signed in reaches it without a second factor.

    ``identity`` tells who passed the first factor; ``store`` is a store or its URL, such as
    ``sqlite:///mfa.db``; ``keys`` is the key ring, or a :class:`~wsgi_mfa.keys.key_file.KeyFile` with one, and
    there is no way to run without. ``directory`` maps what a user typed to the one
    :class:`~wsgi_mfa.directory.Person` behind it; without it an id with ``@`` is its own address.
    ``url``, ``hosts``, ``scheme_from``, ``tls_in_front`` and ``proxy_count`` say how browsers reach the portal, as
    docs/surroundings.md has it (D48). ``plain_http`` serves our pages without https: only for a portal on a
    loopback address (D35). ``cookie_label`` is part of the names of our cookies (D49), and ``api_credentials`` are
    tokens of the portal's own API that pass at their paths (D50). ``undeclared_credentials`` are further ways
    into the portal that are taken out of requests, such as ``cookie stay_signed_in``, or closed to all without a
    second factor, such as ``path /xmlrpc`` (D4). ``notify`` is called once for each event that the user should
    hear of by another way (R32). ``support_agents`` are the users, and groups of the directory as
    ``group:NAME``, who may use the support desk at ``mount_path/support`` (R44). The portal's cookies are sealed
    unless ``seal_credentials`` is False; ``"accept"`` opens sealed ones and writes them in clear.
    ``unsealed_cookies``, ``seal_group`` and ``also_by`` belong to it (D39). With ``forward_auth`` a proxy may ask
    at ``mount_path/forward-auth``; ``renews_sessions`` promises that the portal gives a new session id at each
    sign-in (D8). ``metrics`` takes numbers for the operator (D26).

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
        api_credentials: Sequence[Mapping[str, object]] = (),
        undeclared_credentials: Sequence[str] = (),
        seal_credentials: bool | str = True,
        unsealed_cookies: Sequence[str] = (),
        seal_group: str | None = None,
        also_by: Sequence[str] = (),
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
        check_mount_path(mount_path)
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
        self._directory = directory
        public, sources = public_url_of(
            self.service.policy,
            plain_http=plain_http,
            url=url,
            hosts=hosts,
            scheme_from=scheme_from,
            tls_in_front=tls_in_front,
            proxy_count=proxy_count,
        )
        labels = CookieLabels(
            store_id=self.service.store.identity.store_id,
            mount_path=mount_path,
            public=public,
            issuer=issuer,
            fixed=cookie_label,
        )
        self.application = observed_around(
            application, identity, keys, clock, plain_http=plain_http, label=labels.of_portal
        )
        self._heartbeat = Heartbeat(store=self.service.store, keys=keys)
        self._identity = identity
        sealing = seal_settings(
            seal_credentials,
            unsealed_cookies=unsealed_cookies,
            seal_group=seal_group,
            also_by=also_by,
            identity=identity,
            forward_auth=forward_auth,
        )
        self._undeclared_credentials = (*undeclared_from(undeclared_credentials), *sealing.other_ways)
        self._sealing = Sealing(
            sealing,
            identity=identity,
            keys=keys,
            entropy=entropy,
            store_id=self.service.store.identity.store_id,
            label=labels.of_portal,
        )
        self._cookie_paths = CookiePathCheck(declared_cookies(identity))
        # Also where no response changes the user, the portal's cookies in it are sealed.
        self._is_watched = identity.traits.user_changes_in_response or self._sealing.seals is not None
        self._forwarding = forwarding.PATHS if forward_auth else ()
        self._has_exemptions = bool(self.service.policy.exempt_paths or self.service.policy.exempt_methods)
        self._site = Site(
            service=self.service,
            rules=checked_rules(self.service.policy, directory, forward_auth=forward_auth),
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
            app_password_tries=AttemptLimit(),
            takes_app_passwords=identity.traits.takes_app_passwords,
            public=public,
            desk=SupportDesk(self.service, directory=directory, protected=agents),
            finder=AccountFinder(self.service, directory=directory),
            agents=agents,
            authenticate=identity.traits.www_authenticate,
        )
        self._api = read_api_credentials(api_credentials, identity, forward_auth=forward_auth)
        self._has_hosts = public.hosts is not None
        self._ways = Ways(labels, partial(way_of, identity, self._undeclared_credentials, self._sealing))

    @property
    def support_desk(self) -> SupportDesk:
        """The support desk over the same store and directory, for programs of the operator."""
        return SupportDesk(self.service, directory=self._directory)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        way = self._ways.only or self._ways.of(environ)
        names, sanitizer, nothing, _ = way
        sanitizer.clean_path(environ)
        path = path_below(self._site.mount_path, environ.get("PATH_INFO", ""))
        now = self.service.clock.now()
        if not self._heartbeat.since <= now < self._heartbeat.until:
            self._heartbeat.beat(now)
        sanitized = nothing
        request: WebRequest
        response: WSGIApplication | None
        try:
            if environ.get("wsgi.multiprocess") and not self.service.store.shared_between_processes:
                raise ConfigurationError(
                    "store: several processes need a store that they share (R24)", setting="store"
                )
            if path == arrival.PATH or (self._has_hosts and not self._site.public.takes(environ)):
                asked = IncomingRequest(self._site, environ, names, nothing, now)
                if (early := arrival.early_response(asked, path)) is not None:
                    return early(environ, start_response)
            if path in self._forwarding:
                request = incoming = IncomingRequest(self._site, environ, names, nothing, now)
                response = forwarding.answer(incoming, sanitizer, self._directory, str(path))
            else:
                token = None
                if self._api is not None and path is None:
                    token = self._api.token_of(IncomingRequest(self._site, environ, names, nothing, now))
                sanitized = sanitizer.clean(environ, now=now)
                # Applications change their environ, so what is read after them is a copy.
                is_read_later = self._is_watched or sanitized.identification is not None
                kept = environ.copy() if is_read_later else environ
                incoming = IncomingRequest(self._site, kept, names, sanitized, now)
                if token is None:
                    request, response = self._own_response(incoming, sanitizer, environ, path)
                else:
                    request, response = gate.stripped(incoming, sanitizer, environ), None
                    environ[token.key] = token.value
        except AmbiguousCredentialError as error:
            request = IncomingRequest(self._site, environ, names, nothing, now)
            response = response_to(request, gate.ambiguous(error), as_json=routes.as_json(request, path))
        except Exception:  # whatever failed, no client gets further by it (R80)
            logger.exception("a request was answered 503")
            request = IncomingRequest(self._site, environ, names, sanitized, now)
            response = response_to(request, routes.unavailable(), as_json=routes.as_json(request, path))
        if response is None:
            return self._pass(request, way, environ, start_response)
        if path is None:
            discard_body(environ, self.service.clock)
        return response(environ, start_response)

    def _own_response(
        self,
        incoming: IncomingRequest,
        sanitizer: RequestSanitizer,
        environ: WSGIEnvironment,
        path: str | None,
    ) -> tuple[WebRequest, WSGIApplication | None]:
        """Return our answer to a request, None when it may pass to the application, and the request by then."""
        if path is None and incoming.sanitized.cookies.unsealed:
            ended = self._sealing.ended_session(incoming, sanitizer, environ)
            if ended is not None:
                return incoming, response_to(incoming, ended, as_json=False)
        if path is None and self._has_exemptions and gate.is_exempt(incoming):
            return self._exempted(incoming, sanitizer, environ), None
        try:
            request, reply = self._reply(incoming, sanitizer, environ, path)
        except InvalidUserError as error:
            logger.warning("refused a user: %s", error)
            request = gate.without_user(incoming)
            leaves = path == "/sign-out" and request.method == "POST" and bool(request.sanitized.doubled)
            reply = routes.answer(request, path or "") if leaves else gate.rejected_user()
        if reply is None:
            gate.let_pass(request, sanitizer, environ)
            return request, None
        return request, response_to(request, reply, as_json=routes.as_json(request, path))

    def _reply(
        self,
        incoming: IncomingRequest,
        sanitizer: RequestSanitizer,
        environ: WSGIEnvironment,
        path: str | None,
    ) -> tuple[WebRequest, Reply | None]:
        """Return our page, a challenge, or None for a request that may pass, and the request as it is known then."""
        request = gate.admitted(incoming, self._directory)
        if request is None:
            request = gate.stripped(incoming, sanitizer, environ)
        if path is not None:
            return request, routes.answer(request, path)
        return gate.challenge(request)

    def _exempted(
        self, incoming: IncomingRequest, sanitizer: RequestSanitizer, environ: WSGIEnvironment
    ) -> WebRequest:
        """Let a request for an exempt path pass: as its user after the second factor, without one before it.

        Neither a missing second factor nor a store that fails keeps a client from an exempt path (R80).
        """
        try:
            request, reply = self._reply(incoming, sanitizer, environ, None)
            if reply is None:
                gate.let_pass(request, sanitizer, environ)
                return request
        except Exception:
            logger.exception("an exempt path was answered as to nobody")
        return gate.stripped(incoming, sanitizer, environ)

    def _pass(
        self,
        request: WebRequest,
        way: Way,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Call the application, and watch what its answer does to the user."""
        if isinstance(request, ProgramRequest):
            start_response = without_cookies(start_response)
        if not self._is_watched:
            own = way.sanitizer.own_cookie_names
            return passed_unchanged(self.application, request, own, environ, start_response)
        observer = ResponseHold(partial(self._judged, request, way), start_response)
        iterable = self.application(environ, observer.start_response)
        if not observer.started:
            iterable = first_drawn(iterable, observer)
        return answered(request, observer, iterable, start_response)

    def _judged(
        self, request: WebRequest, way: Way, status: str, headers: Headers
    ) -> tuple[Headers, WSGIApplication | None]:
        sanitizer = way.sanitizer
        if app_response.is_left_alone(request, sanitizer, status, headers):
            return headers, None
        headers = sanitizer.clean_location(without_own_cookies(headers, sanitizer.own_cookie_names))
        try:
            judged = app_response.judged_response(request, sanitizer, self._directory, headers)
            headers, reply, _ = judged
            if reply is None and status.startswith("401"):
                headers, reply = app_response.judged_challenge(request, headers)
            if reply is None:
                return sealed(request, way.sealer, headers, judged), None
            if judged.reply is not None and judged.user is not None:
                self._cookie_paths.look(request, list(reply.headers))
            # What the portal sets goes out with a reply in its place as well.
            reply = replace(reply, headers=tuple(sealed(request, way.sealer, list(reply.headers), judged)))
            return headers, response_to(request, reply, as_json=not request.is_navigation)
        except Exception:
            # Not raised here: the application called us, and would take it for its own failure.
            logger.exception("a response was held and answered 503")
            as_json = not request.is_navigation
            return headers, response_to(request.incoming, routes.unavailable(), as_json=as_json)
