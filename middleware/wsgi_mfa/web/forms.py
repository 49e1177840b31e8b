"""The body of a request that is refused: read and thrown away, so that its sender gets to read the refusal.

A server that closes a connection with unread bytes in it resets it, and the client's own system then throws away
the answer (uWSGI was seen to; RFC 9112 section 9.6). That is for uploads to the portal, whose sender is a person
with an old tab; what our own pages find too long they leave unread. Who sends more than is drawn here is cut off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.web.http_errors import (
    BadRequestError,
    CookiesRefusedError,
    ForbiddenError,
    StaleFormError,
    TooLargeError,
)
from wsgi_mfa.web.request import WebRequest

DISCARDED_BYTES_MAX = 8 * 1024 * 1024
DISCARDED_SECONDS_MAX = 5
_CHUNK_BYTES = 16384


def discard_body(environ: Mapping[str, Any], clock: Clock) -> None:
    """Read a body of which nothing was read yet to its end, within bounds; a sender that fails is not our concern."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length:
        if not (length.isascii() and length.isdigit()):
            return
        left = min(int(length[:20]), DISCARDED_BYTES_MAX)
    elif environ.get("wsgi.input_terminated"):
        left = DISCARDED_BYTES_MAX
    else:
        return  # nothing is there, or nobody can tell where it ends
    until = clock.now() + DISCARDED_SECONDS_MAX * SECOND
    try:
        while left > 0 and clock.now() < until:
            chunk = environ["wsgi.input"].read(min(left, _CHUNK_BYTES))
            if not chunk:
                return
            left -= len(chunk)
    except Exception:  # noqa: BLE001 - each server has an error of its own for a client that has left
        return


FIELDS_MAX = 20
_CSRF_PURPOSE = "csrf"
_TICK_BOXES = frozenset({"saved", "remember", "forget"})
_TICKED = "yes"


def csrf_token(request: WebRequest) -> str:
    """The token for the forms of this browser and user."""
    return request.site.service.keys.ring.sign_value(_CSRF_PURPOSE, _csrf_message(request))


def posted(request: WebRequest, *, of_before: bool = False) -> Mapping[str, str]:
    """The fields of a POST, after it was seen to come from one of our own pages or from a JSON client.

    With ``of_before`` a form serves that this very browser was given before its second factor.

    :raises ForbiddenError: a missing or foreign token, or another site.
    :raises StaleFormError: such a form, where it does not serve.
    :raises BadRequestError: a doubled or malformed field, or a body that is cut off.
    :raises TooLargeError: more than ``form_bytes_max``.
    """
    reject_other_sites(request)
    fields = _fields(request)
    if not request.sends_json:
        known = request.known_browser is not None
        token = fields.get("csrf", "")
        if not known or not request.site.service.keys.ring.check_value(
            _CSRF_PURPOSE, _csrf_message(request), token
        ):
            if request.names.browser not in request.sanitized.own_cookies:
                raise CookiesRefusedError("this browser has sent no cookie with the form")
            if not _is_stale(request, token):
                raise ForbiddenError("the form is too old, or comes from another browser")
            if not of_before:
                raise StaleFormError(fields)
    return fields


def _is_stale(request: WebRequest, token: str) -> bool:
    """Whether the token is of this browser as it was before the second factor that opened its session.

    Its cookie was renewed by that (D20), and who goes back and presses a button once more has done no wrong.
    """
    account, user = request.account, request.caller.user if request.caller else ""
    if account is None or request.state.session is None:
        return False
    return any(
        request.site.service.keys.ring.check_value(_CSRF_PURPOSE, f"{retry.browser}\0{user}".encode(), token)
        for retry in account.retries
        if retry.session_id == request.session_id
    )


def asks_for(fields: Mapping[str, str], action: str) -> bool:
    """Whether the page's second button, whose form has an ``action``, was pressed.

    :raises BadRequestError: another action than the page has.
    """
    if fields.get("action", action) != action:
        raise BadRequestError(f"the field 'action' is not {action!r}")
    return "action" in fields


def reject_other_sites(request: WebRequest) -> None:
    """Accept a change only from this site: ``Sec-Fetch-Site`` decides where it is sent, else ``Origin`` (D36).

    So ``Origin: null`` passes only together with ``Sec-Fetch-Site: same-origin``.

    :raises ForbiddenError: the request comes from elsewhere.
    """
    site = request.environ.get("HTTP_SEC_FETCH_SITE")
    if site in ("same-origin", "none"):
        return
    origin = request.environ.get("HTTP_ORIGIN")
    if site is None and (origin is None or request.site.public.is_own_origin(request.environ, origin)):
        return
    raise ForbiddenError("the request comes from another site")


def _csrf_message(request: WebRequest) -> bytes:
    user = request.caller.user if request.caller else ""
    return f"{request.browser}\0{user}".encode()


def _fields(request: WebRequest) -> dict[str, str]:
    body = _body(request.environ, request.site.service.policy.form_bytes_max)
    return _json_fields(body) if request.sends_json else _form_fields(body, request.environ)


def _body(environ: Mapping[str, Any], bytes_max: int) -> bytes:
    """The whole body; never read without a bound, since some servers wait for ever then (R70)."""
    length_text = environ.get("CONTENT_LENGTH") or ""
    if length_text:
        if not (length_text.isascii() and length_text.isdigit()):
            raise BadRequestError("the length of the body is not a number")
        length = int(length_text[:20])
        if length > bytes_max:
            raise TooLargeError(bytes_max)
        body = _read(environ, length)
        if len(body) < length:
            raise BadRequestError("the body is cut off")
        return body
    if not environ.get("wsgi.input_terminated"):
        return b""
    body = _read(environ, bytes_max + 1)
    if len(body) > bytes_max:
        raise TooLargeError(bytes_max)
    return body


def _read(environ: Mapping[str, Any], length: int) -> bytes:
    try:
        return bytes(environ["wsgi.input"].read(length))
    except OSError:
        # So mod_wsgi, uWSGI and Gunicorn say that the client has gone: nothing of ours has failed.
        raise BadRequestError("the body is cut off") from None


def _form_fields(body: bytes, environ: Mapping[str, Any]) -> dict[str, str]:
    media_type = str(environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if body and media_type not in ("application/x-www-form-urlencoded", ""):
        raise BadRequestError("the body is neither a form (application/x-www-form-urlencoded) nor JSON")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise BadRequestError("the form cannot be read") from None
    return _each_once(pairs)


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        # UTF-8 alone (RFC 8259 section 8.1): others would not read what `loads` guesses from the bytes.
        members = json.loads(body.decode("utf-8"), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        raise BadRequestError("the body is not JSON") from None
    if not isinstance(members, tuple):
        raise BadRequestError("the body is not a JSON object")
    fields = []
    for name, value in members:
        kind = bool if name in _TICK_BOXES else str
        if not isinstance(value, kind):
            legal = "true or false" if kind is bool else "text"
            raise BadRequestError(f"the field {name[:40]!r} is not {legal}")
        fields.append((name, value if isinstance(value, str) else _TICKED if value else ""))
    return _each_once(fields)


def _each_once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The fields by name; a doubled one is refused, since two readers would read two values (R79)."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadRequestError("a field is given twice")
    return fields
