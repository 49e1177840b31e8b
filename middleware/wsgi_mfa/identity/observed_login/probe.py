"""One wrong and one right sign-in, played at the portal's own form before anybody depends on them (D9)."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.observed_login.binding import UnrecognizedSignInError
from wsgi_mfa.identity.observed_login.login_body import written
from wsgi_mfa.identity.observed_login.login_form import LoginForm
from wsgi_mfa.identity.request.cookie_header import is_strict
from wsgi_mfa.identity.request.response_identity import kept_cookies

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_BODY_BYTES_MAX = 1024 * 1024


class SignInProbe:
    """Signs ``user`` in at ``application``, the portal itself, with a made-up password and with ``password``.

    It fetches the form, sends back its hidden fields and cookies, and asks the adapter what it makes of the answers.
    ``fields`` are what else has to be filled in. The user may be one without any rights. ``origin`` is scheme, host
    and port as people's browsers name them, for a portal that answers to no other name.
    """

    def __init__(
        self,
        application: WSGIApplication,
        *,
        user: str,
        password: str,
        password_field: str = "password",  # noqa: S107 - a field's name
        fields: Mapping[str, str] | None = None,
        origin: str = "https://localhost",
    ) -> None:
        """Check ``origin``.

        :raises ConfigurationError: it is no origin.
        """
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            raise ConfigurationError(
                f"origin is {origin!r}: legal is a scheme and a host, such as https://portal.example",
                setting="identity.rehearsal.origin",
            )
        self._origin = origin
        self._scheme, self._host, port = match.groups()
        self._port = port or str(_DEFAULT_PORTS[self._scheme])
        self._application = application
        self._user = user
        self._password = password
        self._password_field = password_field
        self._fields = dict(fields or {})

    def __call__(self, adapter: LoginForm) -> list[str]:
        """What is wrong with the adapter's ``succeeded`` and ``failed``."""
        problems: list[str] = []
        for what, password in (("wrong", SystemEntropy().token_bytes(12).hex()), ("right", self._password)):
            try:
                user, has_cookies, undeclared = self._play(adapter, password)
            except UnrecognizedSignInError as error:
                problems.append(f"LoginForm: a {what} password was not recognised: {error}")
                continue
            except Exception as error:  # noqa: BLE001 - whatever the portal raises is what is wrong
                problems.append(f"LoginForm: the sign-in with a {what} password failed: {error!r}")
                continue
            if what == "wrong" and user is not None:
                problems.append("LoginForm: succeeded holds for a wrong password: it must not")
            elif what == "right" and user is None:
                problems.append("LoginForm: failed holds for a right password: it must not")
            elif what == "right" and not has_cookies:
                problems.append(f"LoginForm: a sign-in sets none of the cookies {', '.join(adapter.cookies)}")
            elif what == "right":
                problems += [adapter.undeclared_problem(name) for name in undeclared]
        return problems

    def _play(self, adapter: LoginForm, password: str) -> tuple[str | None, bool, list[str]]:
        """Who is signed in, whether there are cookies to know them by, and cookies that nobody has named."""
        path = sorted(adapter.paths)[0]
        _, headers, page = self._asked("GET", path, "", "", b"")
        cookies = _kept(headers)
        form = {**_hidden_fields(page, adapter.field), **self._fields}
        form |= {adapter.field: self._user, self._password_field: password}
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        status, headers, _ = self._asked("POST", path, header, *written(form, adapter.media_types[0]))
        kept = _kept(headers)
        after = "; ".join(f"{name}={value}" for name, value in {**cookies, **kept}.items())
        user = adapter.user_in(self._user, status, headers, list(kept))
        for name, value in kept.items():
            if name in adapter.cookies and not is_strict(value):
                raise ValueError(f"the cookie {name} has characters that no cookie may have (RFC 6265 4.1.1)")
        return user, adapter.digest(after) is not None, adapter.undeclared(kept)

    def _asked(
        self, method: str, path: str, cookies: str, content_type: str, body: bytes
    ) -> tuple[int, list[tuple[str, str]], str]:
        """Status, headers and body of one answer of the portal."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": self._host,
            "SERVER_PORT": self._port,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self._origin.partition("://")[2],
            "HTTP_ACCEPT": "text/html",
            "HTTP_REFERER": f"{self._origin}{path}",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self._scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if cookies:
            environ["HTTP_COOKIE"] = cookies
        if method == "POST":
            environ["CONTENT_TYPE"] = content_type
            environ["CONTENT_LENGTH"] = str(len(body))
        started: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:  # noqa: ANN401  # PEP 3333
            started.append((status, headers))
            return written.append

        iterable: Iterable[bytes] = self._application(environ, start_response)
        try:
            for chunk in iterable:
                written.append(chunk)
                if sum(map(len, written)) > _BODY_BYTES_MAX:
                    break
        finally:
            close = getattr(iterable, "close", None)
            if close is not None:
                close()
        status, headers = started[-1]
        return int(status[:3]), headers, b"".join(written).decode("utf-8", "replace")


def _kept(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {
        name: list(places.values())[-1].strip('"')
        for name, places in kept_cookies(headers, now=SystemClock().now()).items()
        if places
    }


class _Forms(HTMLParser):
    """The forms of a page: each the names of its fields, with the values of those that are hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = [{}]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append({})
        elif tag == "input" and given.get("name"):
            is_hidden = (given.get("type") or "").lower() == "hidden"
            self.found[-1][str(given["name"])] = (given.get("value") or "") if is_hidden else None


def _hidden_fields(page: str, field: str) -> dict[str, str]:
    """The hidden fields of the form that has ``field``; of all forms where a script makes that field."""
    parser = _Forms()
    parser.feed(page)
    parser.close()
    forms = [form for form in parser.found if field in form] or parser.found
    return {name: value for form in forms for name, value in form.items() if value is not None}
