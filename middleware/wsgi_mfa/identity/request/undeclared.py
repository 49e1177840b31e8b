"""The doors that lead past the adapter: what is known to carry a user into some application (D4).

Each entry was seen in a real application or proxy. What an adapter does not declare and this table lists is
taken out of the request, and the application sees an anonymous visitor there. Names are compared decoded, in
upper case, with ``-``, ``.`` and ``_`` alike, because servers and applications do not keep them apart either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from wsgi_mfa.core.access_rules import is_rule
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.request.name_patterns import NamePatterns
from wsgi_mfa.identity.request.percent import decoded_argument


class Where(Enum):
    """The part of a request that a door is in."""

    ENVIRON = "environ"
    ARGUMENT = "argument"
    COOKIE = "cookie"
    PATH = "path"


@dataclass(frozen=True, kw_only=True, slots=True)
class UndeclaredCredential:
    """A way in: ``pattern`` is a name in which ``*`` stands for any text, ``reason`` says who takes it.

    That of a path is the path itself: at and below it the application takes users by the body or by the path.
    """

    where: Where
    pattern: str
    reason: str


KNOWN_CREDENTIALS: tuple[UndeclaredCredential, ...] = (
    # Keys that a server may set are matched whole as well: a REDIRECT_REMOTE_USER is a user without a second
    # factor no matter who wrote it. Keys and tokens are matched in headers alone, so that a setting such as
    # Apache's `SetEnv BILLING_API_KEY` still reaches the application.
    UndeclaredCredential(
        where=Where.ENVIRON,
        pattern="*AUTHORIZATION*",
        reason="Basic, Digest, Bearer; Zope: CGI-Authorization",
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="REMOTE_USER", reason="the server's own sign-in"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="*_REMOTE_USER", reason="proxies; Apache's internal redirects"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="*_FORWARDED_USER", reason="oauth2-proxy, Traefik"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="*_FORWARDED_EMAIL", reason="oauth2-proxy"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="*_FORWARDED_PREFERRED_USERNAME", reason="oauth2-proxy"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_AUTH_*", reason="oauth2-proxy behind nginx; X-Auth-User and -Key"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_AUTHENTIK_USERNAME", reason="authentik"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_AUTHENTIK_EMAIL", reason="authentik"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_AUTHENTIK_UID", reason="authentik"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_WEBAUTH_*", reason="Grafana and others behind a proxy"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*AUTHENTICATED_USER*", reason="API gateways, Google, Cloudflare"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_MS_CLIENT_PRINCIPAL*", reason="Azure App Service"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_AMZN_OIDC_*", reason="load balancers of AWS"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_TAILSCALE_USER_*", reason="Tailscale Serve"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_VOUCH_*", reason="Vouch Proxy"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_CONSUMER_*", reason="Kong"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_CREDENTIAL_*", reason="Kong"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_REMOTE_EMAIL", reason="Authelia"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_POMERIUM_CLAIM_*", reason="Pomerium"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_OIDC_CLAIM_*", reason="Apache's mod_auth_openidc"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_SM_*", reason="SiteMinder: SM_USER, SM_USERDN"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_SMUSER", reason="SiteMinder"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_IV_*", reason="WebSEAL: iv-user, iv-creds"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*_ASSERTION", reason="Google, Cloudflare and Pomerium: a JWT"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*CLIENT_CERT*", reason="client certificates, as proxies tell them"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*SSL_CLIENT_*", reason="client certificates, as proxies tell them"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_USER", reason="applications behind a proxy"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_USERNAME", reason="applications behind a proxy"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_USER_ID", reason="applications behind a proxy"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_USER_NAME", reason="applications behind a proxy"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_USER_EMAIL", reason="applications behind a proxy"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_EMAIL", reason="applications behind a proxy"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_X_PROXY_USER", reason="applications behind a proxy"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*AUTHENTICATION*", reason="Flask-Security: Authentication-Token"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*API_KEY", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*APIKEY", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*API_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*APP_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*AUTH_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*ACCESS_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*REFRESH_TOKEN", reason="API clients"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*ID_TOKEN", reason="OpenID Connect; Azure App Service"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*PRIVATE_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*USER_TOKEN", reason="API clients"),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*SESSION_TOKEN", reason="django-allauth: X-Session-Token"
    ),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*GUEST*TOKEN", reason="Superset: X-GuestToken"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*JWT*", reason="API clients"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_*USERKEY", reason="calibre-web: X-Kobo-Userkey"),
    UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_*_AUTH", reason="devpi: X-Devpi-Auth"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="*API_KEY", reason="API clients"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="APIKEY", reason="API clients"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="*API_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="*AUTH_TOKEN", reason="API clients; Flask-Security"),
    UndeclaredCredential(
        where=Where.ARGUMENT, pattern="ACCESS_TOKEN", reason="bearer tokens in the query (RFC 6750 2.3)"
    ),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="PRIVATE_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="SESSION_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="USER_TOKEN", reason="API clients"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="GUEST_TOKEN", reason="Superset"),
    UndeclaredCredential(where=Where.ARGUMENT, pattern="JWT", reason="Flask-JWT-Extended"),
    UndeclaredCredential(
        where=Where.COOKIE,
        pattern="*REMEMBER*",
        reason="Flask-Login: remember_token; other remember-me cookies",
    ),
    UndeclaredCredential(
        where=Where.COOKIE, pattern="ACCESS_TOKEN*", reason="Flask-JWT-Extended: access_token_cookie"
    ),
    UndeclaredCredential(
        where=Where.COOKIE, pattern="REFRESH_TOKEN*", reason="Flask-JWT-Extended: refresh_token_cookie"
    ),
    UndeclaredCredential(where=Where.COOKIE, pattern="AUTH_TOKEN*", reason="applications with tokens"),
    UndeclaredCredential(where=Where.COOKIE, pattern="ID_TOKEN", reason="OpenID Connect"),
    UndeclaredCredential(where=Where.COOKIE, pattern="*JWT*", reason="applications with tokens"),
    UndeclaredCredential(where=Where.COOKIE, pattern="AUTHORIZATION", reason="applications with tokens"),
    UndeclaredCredential(where=Where.COOKIE, pattern="AUTH_TKT", reason="Pyramid, Paste, mod_auth_tkt"),
    UndeclaredCredential(where=Where.COOKIE, pattern="AUTHTKT", reason="repoze.who, TurboGears"),
    UndeclaredCredential(where=Where.COOKIE, pattern="TRAC_AUTH", reason="Trac"),
    UndeclaredCredential(where=Where.COOKIE, pattern="__AC", reason="Plone and other Zope applications"),
)

# What the application is told by us it must hear from nobody else (R59); a proxy or a client may try.
OUR_WORDS: tuple[UndeclaredCredential, ...] = (
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="WSGI_MFA.*", reason="the keys by which we tell the application"
    ),
    UndeclaredCredential(
        where=Where.ENVIRON, pattern="HTTP_*WSGI_MFA*", reason="headers that look like these keys"
    ),
    # Cookies cross ports: those of another portal on this host, wrapped too, belong to nobody here.
    UndeclaredCredential(where=Where.COOKIE, pattern="WSGI_MFA_*", reason="our cookies over plain http"),
    UndeclaredCredential(where=Where.COOKIE, pattern="__HOST-WSGI_MFA_*", reason="our cookies"),
)


_SETTING = re.compile(r"(header|cookie|argument) ([!#$%&'*+.^_`|~0-9A-Za-z-]+)", re.ASCII)
_PREFIX = re.compile(r"__(HOST|SECURE)_")
_WHERE = {"header": Where.ENVIRON, "cookie": Where.COOKIE, "argument": Where.ARGUMENT}


def undeclared_from(settings: Sequence[str]) -> tuple[UndeclaredCredential, ...]:
    """The doors that a setting adds: each ``header NAME``, ``cookie NAME``, ``argument NAME`` or ``path /PATH``.

    :raises ConfigurationError: an entry has another form.
    """
    undeclared_credentials = []
    for text in () if isinstance(settings, str) else settings:
        kind, _, path = text.partition(" ")
        if kind == "path" and is_rule(path):
            undeclared_credentials.append(
                UndeclaredCredential(where=Where.PATH, pattern=path, reason="a setting")
            )
            continue
        match = _SETTING.fullmatch(text)
        if match is None:
            raise ConfigurationError(
                f"undeclared_credentials has {text!r}: legal are header NAME, cookie NAME and argument NAME, in which"
                " * stands for any text, and path /PATH",
                setting="undeclared_credentials",
            )
        pattern = f"HTTP_{match[2]}" if match[1] == "header" else match[2]
        undeclared_credentials.append(
            UndeclaredCredential(where=_WHERE[match[1]], pattern=pattern, reason="a setting")
        )
    if isinstance(settings, str):
        raise ConfigurationError(
            f"undeclared_credentials is {settings!r}: legal is a list", setting="undeclared_credentials"
        )
    return tuple(undeclared_credentials)


def paths_in(undeclared_credentials: Iterable[UndeclaredCredential]) -> tuple[str, ...]:
    """The paths at and below which nobody may be without a second factor."""
    return tuple(door.pattern for door in undeclared_credentials if door.where is Where.PATH)


class UndeclaredTable:
    """All doors as one lookup: the known ones, our own words, and those that a setting adds."""

    def __init__(self, extra: Iterable[UndeclaredCredential] = ()) -> None:
        undeclared_credentials = (*KNOWN_CREDENTIALS, *OUR_WORDS, *extra)
        self._patterns = {
            where: NamePatterns(
                _normalized(each.pattern) for each in undeclared_credentials if each.where is where
            )
            for where in Where
        }

    def is_credential(self, where: Where, name: str) -> bool:
        """Whether ``name``, as it stands in the request, is one of a door."""
        if where is not Where.ENVIRON:
            if "%" in name or "+" in name:
                name = decoded_argument(name)  # an application was seen to read `%61pi_key=`
            name = name.strip()
        normalized = _normalized(name)
        if self._patterns[where].match(normalized):
            return True
        # The prefix says how a browser may set the cookie, and nothing of what the application takes it for.
        if where is not Where.COOKIE or not normalized.startswith("__"):
            return False
        bare = _PREFIX.sub("", normalized)
        return bare != normalized and self._patterns[where].match(bare)


def _normalized(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")
