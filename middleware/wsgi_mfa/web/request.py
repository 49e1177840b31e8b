"""What one middleware was set up with, and one request as its pages see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs, quote

from wsgi_mfa.core.access_rules import AccessRule
from wsgi_mfa.core.account import Account, Session
from wsgi_mfa.core.authentication_state import AuthenticationState, authentication_state
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.usernames import UserNames
from wsgi_mfa.directory import Person
from wsgi_mfa.identity.request.head_limits import QUERY_BYTES_MAX
from wsgi_mfa.identity.request.sanitizer import SanitizedRequest
from wsgi_mfa.service import MfaService, Visit
from wsgi_mfa.support.account_view import AccountFinder
from wsgi_mfa.support.agents import SupportAgents
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.web import return_to
from wsgi_mfa.web.client_address import AttemptLimit, ClientAddressReader, SprayWatch
from wsgi_mfa.web.cookies import CookieNames, CookieSigner, known_secrets_in
from wsgi_mfa.web.public_url import PublicUrl
from wsgi_mfa.web.return_to import ReturnUrlSigner
from wsgi_mfa.web.sign_in_response import SignInResponse
from wsgi_mfa.web.worker_cache import UsedAppendedCodes, WorkerCache

QUERY_FIELDS_MAX = 50
#: Where a browser stands that nobody is signed in with.
ANONYMOUS = AuthenticationState(outcome=Outcome.MUST_ENROLL)

Directory = Callable[[str], "Person | None"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The settings and helpers that all requests of one middleware share."""

    service: MfaService
    rules: tuple[AccessRule, ...]  # those of the policy
    closed_paths: tuple[str, ...]  # where nobody gets without a second factor, visitors neither (D4)
    is_rolling_out: bool  # whether somebody may need no second factor yet
    issuer: str
    mount_path: str
    support_contact: str | None
    user_names: UserNames
    cookies: CookieSigner
    targets: ReturnUrlSigner
    sources: ClientAddressReader
    watch: SprayWatch
    long_codes: AttemptLimit = field(default_factory=AttemptLimit)
    app_password_tries: AttemptLimit = field(default_factory=AttemptLimit)
    spent: UsedAppendedCodes
    passes: WorkerCache
    takes_app_passwords: bool
    public: PublicUrl
    desk: SupportDesk
    finder: AccountFinder
    agents: SupportAgents  # who may use the desk over HTTP
    sign_in_response: SignInResponse | None  # for scripts of the portal, in place of 401
    authenticate: str | None  # the WWW-Authenticate of programs, where the adapter takes credentials


class Caller(NamedTuple):
    """A user whom the portal has signed in: the name of the account, the login's fingerprint, the address.

    ``spelling`` is that of the name, None where spellings do not count. ``name`` is shown in the place of an account's
    name that is a key of the portal.
    """

    user: str
    login: str | None
    address: str | None
    groups: tuple[str, ...] = ()
    spelling: str | None = None
    name: str | None = None

    @property
    def shown(self) -> str:
        """The name by which pages and apps call the user."""
        return self.user if self.name is None else self.name

    def is_agent_of(self, agents: SupportAgents) -> bool:
        """Return True if the user is one of the support desk's agents."""
        return agents.allows(self.user, self.groups, spelling=self.spelling)


class WebRequest:
    """One request at some stage: what the client sent, and what is known of its user by then.

    It begins as an :class:`IncomingRequest`. Each later stage is a new value, made of the one before. No stage changes
    (its attributes are final, which the type checker holds; a frozen dataclass would make a passed request a tenth
    slower), so that going back to ``incoming`` forgets all that was found out since.

    ``environ`` is a copy of the cleaned one, since applications change theirs (PORTALS: Trac, Roundup).
    """

    def __init__(
        self, site: Site, environ: dict[str, Any], names: CookieNames, sanitized: SanitizedRequest, now: int
    ) -> None:
        self.site: Final = site
        self.environ: Final = environ
        self.names: Final = names
        self.sanitized: Final = sanitized
        self.now: Final = now

    @property
    def incoming(self) -> IncomingRequest:
        """This request as it came: nothing is known of its user."""
        return IncomingRequest(self.site, self.environ, self.names, self.sanitized, self.now)

    # What only later stages know: read-only to the type checker, and at run time the cheapest that there is.
    if TYPE_CHECKING:

        @property
        def caller(self) -> Caller | None: ...

        @property
        def account(self) -> Account | None: ...

        @property
        def session_id(self) -> str | None: ...

        @property
        def state(self) -> AuthenticationState: ...

    else:
        caller = account = session_id = None
        state = ANONYMOUS

    @property
    def session_cookie(self) -> str | None:
        """What this browser's session cookie says, not yet checked."""
        return self.sanitized.cookies.own.get(self.names.session)

    @cached_property
    def context(self) -> Context:
        """The context of each decision about this request."""
        return Context(now=self.now, policy=self.site.service.policy)

    @property
    def is_https(self) -> bool:
        """Whether our pages may be served: plain http is never inferred from a request (R14, D35)."""
        return self.site.public.is_served(self.environ)

    @property
    def scheme(self) -> str:
        """The scheme that our cookies are made for."""
        return "https" if self.names.secure else "http"

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @property
    def has_forms(self) -> bool:
        """Whether our pages have forms for this browser: it is somebody, or has two sign-ins to be rid of (D6)."""
        return self.is_https and (self.caller is not None or bool(self.sanitized.doubled))

    @cached_property
    def root(self) -> str:
        """The URL of the portal's root."""
        return return_to.root_of(self.environ, self.site.public)

    @cached_property
    def mount(self) -> str:
        """The URL below which our pages lie."""
        return self.root[:-1] + quote(self.site.mount_path)

    @property
    def source(self) -> str:
        return self.site.sources.client_address_of(self.environ)

    @property
    def user_changed(self) -> bool:
        """Whether this browser has shown a second factor as another user, which ends by that (R51, D19)."""
        cookie, caller = self.session_cookie, self.caller
        if cookie is None or caller is None:
            return False
        return self.site.cookies.session_id_of(cookie, caller.user) is None

    @cached_property
    def known_browser(self) -> str | None:
        """The id in this browser's cookie, if it carries one of ours and has not changed hands (D20)."""
        if self.user_changed:
            return None
        return self.site.cookies.browser_of(self.sanitized.own_cookies.get(self.names.browser))

    @cached_property
    def browser(self) -> str:
        """The browser's id; a new one for a browser that carries none."""
        return self.known_browser or self.site.service.vault.new_id()

    @property
    def known_secrets(self) -> tuple[str, ...]:
        """The secrets by which this browser is known to its users, whoever they are (D46)."""
        return known_secrets_in(self.sanitized.own_cookies.get(self.names.known))

    @cached_property
    def visit(self) -> Visit:
        """This request as the service takes it; asked for only where somebody is signed in at the portal."""
        if self.caller is None:
            raise ValueError("nobody is signed in at the portal")
        origin = Origin(
            browser=self.browser,
            next_browser=self.site.service.vault.new_id(),
            login=self.caller.login,
            session_id=self.session_id,
            source=self.source,
            known_secrets=self.known_secrets,
            spelling=self.caller.spelling,
        )
        return Visit(
            user=self.caller.user,
            origin=origin,
            now=self.now,
            address=self.caller.address,
            shown=self.caller.name,
        )

    def argument(self, name: str) -> str | None:
        """The one value of ``name`` in the query; None when it is not there once."""
        text = str(self.environ.get("QUERY_STRING", ""))
        if len(text) > QUERY_BYTES_MAX:
            return None
        try:
            query = parse_qs(text, max_num_fields=QUERY_FIELDS_MAX)
        except ValueError:
            return None
        values = query.get(name, ())
        return values[0] if len(values) == 1 else None

    @property
    def is_navigation(self) -> bool:
        """Whether a person's browser shows the answer as a page, by the contract's rule."""
        return is_navigation(self.method, self.environ)

    @property
    def wants_json(self) -> bool:
        """Whether the client of one of our own URLs speaks JSON rather than HTML."""
        if self.sends_json:
            return True
        if self.environ.get("HTTP_SEC_FETCH_MODE") == "navigate":
            return False
        return "application/json" in str(self.environ.get("HTTP_ACCEPT", "")).lower()

    @property
    def sends_json(self) -> bool:
        media_type = str(self.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
        return media_type == "application/json"


class IncomingRequest(WebRequest):
    """A request as it came: the environ after it was cleaned, and the credentials that were found in it."""

    def with_cleaned(self, sanitized: SanitizedRequest) -> IncomingRequest:
        """Return the same request with other credentials in it."""
        return IncomingRequest(self.site, self.environ, self.names, sanitized, self.now)

    def identified(self, caller: Caller, account: Account | None) -> IdentifiedRequest:
        """Return this request as one of ``caller``, in the session that its cookie names.

        It is a :class:`VerifiedRequest` where that session goes on.
        """
        session_id = self.site.cookies.session_id_of(self.session_cookie, caller.user)
        return _in_session(self, caller, account, session_id)


class IdentifiedRequest(WebRequest):
    """A request whose user has passed the first factor: ``caller``, whose account is ``account``.

    ``session_id`` is what the session cookie names for this user; the session itself may have ended.
    """

    def __init__(
        self,
        incoming: IncomingRequest,
        caller: Caller,
        account: Account | None,
        session_id: str | None,
        state: AuthenticationState,
        told: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(incoming.site, incoming.environ, incoming.names, incoming.sanitized, incoming.now)
        self.caller: Final = caller
        self.account: Final = account
        self.session_id: Final = session_id
        self.state: Final = state
        self.told: Final = told

    def in_session(self, account: Account | None, session_id: str | None) -> IdentifiedRequest:
        """Return this request in another session of its user, as ``account`` has it."""
        return _in_session(self.incoming, self.caller, account, session_id)


class VerifiedRequest(IdentifiedRequest):
    """A request whose user has passed the second factor too: ``session`` goes on.

    ``told`` is what the application is told of it, if an earlier request has found that out already.
    """

    @property
    def session(self) -> Session:
        """The session that this request goes on in."""
        if self.state.session is None:
            raise ValueError("the state of a verified request has a session")
        return self.state.session


def _in_session(
    incoming: IncomingRequest, caller: Caller, account: Account | None, session_id: str | None
) -> IdentifiedRequest:
    found = authentication_state(account, incoming.context, session_id=session_id, login=caller.login)
    kind = IdentifiedRequest if found.session is None else VerifiedRequest
    return kind(incoming, caller, account, session_id, found)


def path_below(mount_path: str, path_info: str) -> str | None:
    """Return the part of ``path_info`` below the mount path; None when it is not ours. Only PATH_INFO counts (R66)."""
    if path_info == mount_path:
        return ""
    below = path_info.removeprefix(mount_path)
    return below if below != path_info and below.startswith("/") else None


def is_navigation(method: str, environ: Mapping[str, Any]) -> bool:
    """Whether a request of ``method`` with these headers is one that a person's browser shows as a page."""
    if method not in ("GET", "POST"):
        return False
    mode = environ.get("HTTP_SEC_FETCH_MODE")
    if mode is not None:
        return bool(mode == "navigate")
    accept = str(environ.get("HTTP_ACCEPT", "")).lower()
    return "text/html" in accept and "application/json" not in accept
