"""A property that is worked out once: as functools has it, without the lock that it takes before Python 3.12."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qs, quote

from wsgi_mfa.core.access_rules import Rule
from wsgi_mfa.core.account import Account
from wsgi_mfa.core.authentication_state import AuthenticationState, authentication_state
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.directory import Person
from wsgi_mfa.identity.request.sanitizer import SanitizedRequest
from wsgi_mfa.service import MfaService, Visit
from wsgi_mfa.support.account_view import AccountFinder
from wsgi_mfa.support.agents import SupportAgents
from wsgi_mfa.support.desk import SupportDesk
from wsgi_mfa.web import return_to
from wsgi_mfa.web.client_address import ClientAddressReader, SprayWatch
from wsgi_mfa.web.cookies import CookieNames, CookieSigner
from wsgi_mfa.web.public_url import PublicUrl
from wsgi_mfa.web.response_hold import ResponseHold
from wsgi_mfa.web.return_to import ReturnUrlSigner
from wsgi_mfa.web.worker_cache import CachedRequest, UsedAppendedCodes, WorkerCache

T = TypeVar("T")


class derived(Generic[T]):  # noqa: N801 - it stands where `property` would
    """``@derived``: the value goes into the instance's dictionary under the same name, and is found there next time."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> T:
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


QUERY_FIELDS_MAX = 50
#: Where a browser stands that nobody is signed in with.
ANONYMOUS = AuthenticationState(outcome=Outcome.MUST_ENROLL)

Directory = Callable[[str], "Person | None"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The settings and helpers that all requests of one middleware share."""

    service: MfaService
    rules: tuple[Rule, ...]  # those of the policy, read
    closed_paths: tuple[str, ...]  # where nobody gets without a second factor, visitors neither (D4)
    is_rolling_out: bool  # whether somebody may need no second factor yet
    issuer: str
    mount_path: str
    support_contact: str | None
    cookies: CookieSigner
    targets: ReturnUrlSigner
    sources: ClientAddressReader
    watch: SprayWatch
    spent: UsedAppendedCodes
    passes: WorkerCache
    public: PublicUrl
    desk: SupportDesk
    finder: AccountFinder
    agents: SupportAgents  # who may use the desk over HTTP
    authenticate: str | None  # the WWW-Authenticate of programs, where the adapter takes credentials


class Caller(NamedTuple):
    """Somebody whom the portal has signed in: the canonical ``user``, the login's fingerprint, the address."""

    user: str
    login: str | None
    address: str | None
    groups: tuple[str, ...] = ()


class WebRequest:
    """One request: the environ as it was when it came, who sent it, and what our cookies say.

    Applications change their environ, so all that is needed after them is read before (PORTALS: Trac, Roundup).
    """

    # As long as nobody has asked: no instance needs its own until :meth:`take`.
    caller: Caller | None = None
    account: Account | None = None
    session_id: str | None = None
    standing: AuthenticationState = ANONYMOUS
    told: Mapping[str, object] | None = None
    # Where answers are not all watched: who watches this one, and whether it has gone past.
    observer: ResponseHold | None = None
    is_passed_on = False

    def __init__(
        self, site: Site, environ: dict[str, Any], names: CookieNames, sanitized: SanitizedRequest, now: int
    ) -> None:
        self.site = site
        self.environ = environ
        self.names = names
        self.sanitized = sanitized
        self.now = now

    def take(self, caller: Caller, account: Account | None) -> None:
        """Go on as ``caller``, whose account is ``account``, in the session that this browser's cookie names."""
        self.caller, self.account = caller, account
        self.session_id = self.site.cookies.session_id_of(self.session_cookie, caller.user)
        self.standing = authentication_state(
            account,
            self.context,
            session_id=self.session_id,
            login=caller.login,
        )

    def take_known(self, known: CachedRequest, caller: Caller, account: Account) -> None:
        """Go on as :meth:`take` would, by what was found out at an earlier request."""
        self.caller, self.account = caller, account
        self.session_id, self.standing, self.told = known.session_id, known.standing, known.told

    @property
    def session_cookie(self) -> str | None:
        """What this browser's session cookie says, not yet checked."""
        return self.sanitized.cookies.own.get(self.names.session)

    @derived
    def context(self) -> Context:
        """The context of each decision about this request."""
        return Context(now=self.now, policy=self.site.service.policy)

    def forget_caller(self) -> None:
        """Go on as nobody: what was derived from the caller is gone too."""
        self.caller = self.account = self.session_id = self.told = None
        self.standing = ANONYMOUS
        for name in ("user_changed", "known_browser", "browser", "visit"):
            self.__dict__.pop(name, None)

    @property
    def is_https(self) -> bool:
        """Whether our pages may be served: plain http is never inferred from a request (R14, D35)."""
        return self.site.public.is_served(self.environ)

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @property
    def has_forms(self) -> bool:
        """Whether our pages have forms for this browser: it is somebody, or has two sign-ins to be rid of (D6)."""
        return self.is_https and (self.caller is not None or bool(self.sanitized.doubled))

    @derived
    def root(self) -> str:
        """The URL of the portal's root."""
        return return_to.root_of(self.environ, self.site.public)

    @derived
    def mount(self) -> str:
        """The URL below which our pages lie."""
        return self.root[:-1] + quote(self.site.mount_path)

    @property
    def source(self) -> str:
        return self.site.sources.client_address_of(self.environ)

    @derived
    def user_changed(self) -> bool:
        """Whether this browser has shown a second factor as somebody else, which ends by that (R51, D19)."""
        has_session = self.names.session in self.sanitized.own_cookies
        return has_session and self.caller is not None and self.session_id is None

    @derived
    def known_browser(self) -> str | None:
        """The id in this browser's cookie, if it carries one of ours and has not changed hands (D20)."""
        if self.user_changed:
            return None
        return self.site.cookies.browser_of(self.sanitized.own_cookies.get(self.names.browser))

    @derived
    def browser(self) -> str:
        """The browser's id; a new one for a browser that carries none."""
        return self.known_browser or self.site.service.vault.new_id()

    @derived
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
        )
        return Visit(user=self.caller.user, origin=origin, now=self.now, address=self.caller.address)

    def argument(self, name: str) -> str | None:
        """The one value of ``name`` in the query; None when it is not there once."""
        try:
            query = parse_qs(str(self.environ.get("QUERY_STRING", "")), max_num_fields=QUERY_FIELDS_MAX)
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


def is_navigation(method: str, environ: Mapping[str, Any]) -> bool:
    """Whether a request of ``method`` with these headers is one that a person's browser shows as a page."""
    if method not in ("GET", "POST"):
        return False
    mode = environ.get("HTTP_SEC_FETCH_MODE")
    if mode is not None:
        return bool(mode == "navigate")
    accept = str(environ.get("HTTP_ACCEPT", "")).lower()
    return "text/html" in accept and "application/json" not in accept
