"""``MfaMiddleware``: the one object that goes around an application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from wsgi_mfa.clock import Clock, SystemClock
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.key_uri import checked_issuer
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.rollout import is_rolling_out
from wsgi_mfa.entropy import Entropy, SystemEntropy
from wsgi_mfa.errors import InvalidUserError
from wsgi_mfa.heartbeat import Heartbeat
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.request.caches import RequestCaches
from wsgi_mfa.identity.request.head_limits import HeadTooLargeError
from wsgi_mfa.identity.request.sanitizer import RequestSanitizer
from wsgi_mfa.identity.request.undeclared import undeclared_from
from wsgi_mfa.identity.sealing.settings import seal_settings
from wsgi_mfa.identity.sign_in_fields.declaration import (
    BODY_BYTES_MAX,
    fields_as_cookies,
    sign_in_fields_of,
)
from wsgi_mfa.keys.ring import KeySource
from wsgi_mfa.metrics import Metrics
from wsgi_mfa.service import MfaService
from wsgi_mfa.stores.protocol import Store
from wsgi_mfa.support.account_view import AccountFinder
from wsgi_mfa.support.agents import agents_from
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.web import arrival, gate, routes, settings
from wsgi_mfa.web import forward_auth as forwarding
from wsgi_mfa.web.api_credentials import read_api_credentials
from wsgi_mfa.web.app_password import ProgramRequest, without_cookies
from wsgi_mfa.web.app_response import passed_unchanged
from wsgi_mfa.web.client_address import SprayWatch
from wsgi_mfa.web.cookies import CookieSigner
from wsgi_mfa.web.field_watch import FieldWatch
from wsgi_mfa.web.forms import discard_body
from wsgi_mfa.web.login_binding import observed_around
from wsgi_mfa.web.rejected_users import failed, rejected_user, without_user
from wsgi_mfa.web.reply import response_to
from wsgi_mfa.web.request import Directory, IncomingRequest, Site, WebRequest, path_below
from wsgi_mfa.web.return_to import ReturnUrlSigner
from wsgi_mfa.web.sealing import Sealing
from wsgi_mfa.web.session_cookie import SessionCookieCheck
from wsgi_mfa.web.session_turns import session_turns
from wsgi_mfa.web.sign_in_response import read_sign_in_response
from wsgi_mfa.web.watched_response import ResponseWatch
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
    ``plain_http`` serves our pages without https, for a loopback address only. ``notify`` is called once for each
    event that the user should hear of by another way; ``metrics`` takes numbers. docs/ has the other settings.

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
        user_names: str | None = None,
        api_credentials: Sequence[Mapping[str, object]] = (),
        sign_in_response: Mapping[str, object] | None = None,
        undeclared_credentials: Sequence[str] = (),
        seal_credentials: bool | str = True,
        unsealed_cookies: Sequence[str] = (),
        seal_group: str | None = None,
        also_by: Sequence[str] = (),
        sign_in_fields: Sequence[str | Sequence[str]] | str = (),
        sign_in_paths: Sequence[str] = (),
        sign_in_user_fields: Sequence[str] = (),
        signs_in_anywhere: bool = False,
        sign_in_fields_except: Sequence[str] = (),
        sign_in_body_bytes_max: int = BODY_BYTES_MAX,
        notify: Callable[[Event], None] | None = None,
        metrics: Metrics | None = None,
        forward_auth: bool = False,
        renews_sessions: bool = False,
        keeps_session_id: str | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        settings.check_mount_path(mount_path)
        settings.check_keys_and_identity(keys, identity, has_directory=directory is not None)
        if forward_auth:
            forwarding.reject_unfit(identity, renews_sessions=renews_sessions, sign_in_fields=sign_in_fields)
        clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
        agents = agents_from(support_agents, has_directory=directory is not None)
        import werkzeug.wrappers  # noqa: F401 - now, and not while the first page is waited for in each worker

        self.service = MfaService(
            store=settings.opened_store(store, keys, clock, entropy),
            keys=keys,
            policy=policy or Policy(),
            clock=clock,
            entropy=entropy,
            notify=notify,
            metrics=metrics,
        )
        self._directory = directory
        public, sources, labels = settings.address_of(
            self.service,
            issuer=issuer,
            mount_path=mount_path,
            cookie_label=cookie_label,
            plain_http=plain_http,
            url=url,
            hosts=hosts,
            scheme_from=scheme_from,
            tls_in_front=tls_in_front,
            proxy_count=proxy_count,
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
        fields = sign_in_fields_of(
            identity,
            sign_in_fields=sign_in_fields,
            sign_in_paths=sign_in_paths,
            sign_in_user_fields=sign_in_user_fields,
            signs_in_anywhere=signs_in_anywhere,
            sign_in_fields_except=sign_in_fields_except,
            sign_in_body_bytes_max=sign_in_body_bytes_max,
            other_fields=sealing.other_fields,
        )
        self._turns = session_turns(
            identity,
            keeps_session_id=keeps_session_id,
            renews_sessions=renews_sessions,
            sign_in_paths=sign_in_paths,
            body_bytes_max=sign_in_body_bytes_max,
        )
        self._fields = None if fields is None else FieldWatch(fields, directory)
        self.application = observed_around(
            application,
            identity,
            self.service,
            plain_http=plain_http,
            has_fields=fields is not None,
            label=labels.of_portal,
        )
        self._undeclared_credentials = (
            *undeclared_from(undeclared_credentials),
            *sealing.other_ways,
            *fields_as_cookies(fields, identity),
        )
        self._sealing = Sealing(
            sealing,
            identity=identity,
            keys=keys,
            entropy=entropy,
            store=self.service.store,
            label=labels.of_portal,
        )
        self._watch = ResponseWatch(directory, SessionCookieCheck(identity))
        # Also where no response changes the user, the portal's cookies in it are sealed.
        self._is_watched = identity.traits.user_changes_in_response or self._sealing.seals is not None
        self._forwarding = forwarding.PATHS if forward_auth else ()
        self._has_exemptions = bool(self.service.policy.exempt_paths or self.service.policy.exempt_methods)
        self._site = Site(
            service=self.service,
            rules=settings.checked_rules(self.service.policy, directory, forward_auth=forward_auth),
            closed_paths=settings.closed_paths(self._undeclared_credentials, forward_auth=forward_auth),
            is_rolling_out=is_rolling_out(self.service.policy),
            issuer=checked_issuer(issuer),
            mount_path=mount_path,
            support_contact=support_contact,
            user_names=settings.user_names_of(user_names, identity, self.service.store),
            cookies=CookieSigner(keys=keys, store_id=self.service.store.identity.store_id),
            targets=ReturnUrlSigner(keys),
            sources=sources,
            watch=SprayWatch(clock, self.service.meter),
            spent=UsedAppendedCodes(),
            passes=WorkerCache(),
            takes_app_passwords=identity.traits.takes_app_passwords,
            public=public,
            desk=SupportDesk(self.service, directory=directory, protected=agents),
            finder=AccountFinder(self.service, directory=directory),
            agents=agents,
            authenticate=identity.traits.www_authenticate,
            sign_in_response=read_sign_in_response(sign_in_response),
        )
        self._api = read_api_credentials(api_credentials, identity, forward_auth=forward_auth)
        self._has_hosts = public.hosts is not None
        way = partial(way_of, identity, self._undeclared_credentials, self._sealing, RequestCaches())
        self._ways = Ways(labels, way)

    @property
    def support_desk(self) -> SupportDesk:
        """The support desk over the same store and directory, for programs of the operator."""
        return SupportDesk(self.service, directory=self._directory)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._turns is None:
            return self._answer(environ, start_response)
        reader = (self._ways.only or self._ways.of(environ)).sanitizer.cookie_reader
        try:
            cookies = reader.unsealed(environ.get("HTTP_COOKIE", ""), now=self.service.clock.now())
        except HeadTooLargeError:
            return self._answer(environ, start_response)  # that rejects it
        return self._turns.call(self._answer, cookies, environ, start_response)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        way = self._ways.only or self._ways.of(environ)
        names, sanitizer, nothing, _ = way
        now = self.service.clock.now()
        if not self._heartbeat.since <= now < self._heartbeat.until:
            self._heartbeat.beat(now)
        path, sanitized = None, nothing
        request: WebRequest
        response: WSGIApplication | None
        try:
            sanitizer.clean_path(environ)
            path = path_below(self._site.mount_path, environ.get("PATH_INFO", ""))
            if environ.get("wsgi.multiprocess"):
                settings.check_processes(environ, self.service.store)
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
                kept = environ.copy() if self._is_watched or sanitized.identification is not None else environ
                incoming = IncomingRequest(self._site, kept, names, sanitized, now)
                if token is None:
                    request, response = self._own_response(incoming, sanitizer, environ, path)
                else:
                    request, response = gate.stripped(incoming, sanitizer, environ), None
                    environ[token.key] = token.value
                if response is None and self._fields is not None:
                    rejection = self._fields.rejection(request, environ)
                    if rejection is not None:
                        response = response_to(request, rejection, as_json=routes.as_json(request, path))
        except Exception as error:  # noqa: BLE001 - whatever failed, no client gets further by it (R80)
            request = IncomingRequest(self._site, environ, names, sanitized, now)
            response = response_to(request, failed(error), as_json=routes.as_json(request, path))
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
            return gate.exempted(incoming, sanitizer, environ, self._directory), None
        try:
            request, reply = gate.reply_to(incoming, sanitizer, environ, path, self._directory)
        except InvalidUserError as error:
            request = without_user(incoming)
            leaves = path == "/sign-out" and request.method == "POST" and bool(request.sanitized.doubled)
            reply = routes.answer(request, path or "") if leaves else rejected_user(incoming, error)
        if reply is None:
            gate.admit(request, sanitizer, environ)
            return request, None
        return request, response_to(request, reply, as_json=routes.as_json(request, path))

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
        return self._watch.response(self.application, request, way, environ, start_response)
