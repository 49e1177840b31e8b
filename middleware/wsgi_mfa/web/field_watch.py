"""Sign-ins by other ways than the sign-in page: told by their fields, and refused before the application runs."""

from __future__ import annotations

import logging
from typing import Any

from wsgi_mfa.core.spellings import find
from wsgi_mfa.errors import InvalidUserError
from wsgi_mfa.identity.sign_in_fields.body import Body, UnaccountedError, mentions, pairs_in_body
from wsgi_mfa.identity.sign_in_fields.declaration import FieldSet, SignInFields
from wsgi_mfa.identity.sign_in_fields.names import (
    GivenFields,
    Pair,
    comparable_path,
    pairs_in_path,
    pairs_in_query,
)
from wsgi_mfa.web import access, routes
from wsgi_mfa.web.body_spool import has_body, spool_body
from wsgi_mfa.web.http_errors import RejectedRequestError
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import Caller, Directory, Site, WebRequest

logger = logging.getLogger("wsgi_mfa")

_TOLD_MAX = 256
_REFUSED = "this form signs users in, and was not sent to the sign-in page"


class FieldWatch:
    """Looks for the sign-in fields of one portal in requests that would reach it."""

    def __init__(self, fields: SignInFields, directory: Directory | None) -> None:
        self._fields = fields
        self._watched = (*fields.names, *fields.user_fields)
        self._directory = directory
        self._told: set[str] = set()

    def rejection(self, request: WebRequest, environ: dict[str, Any]) -> Reply | None:
        """Return the answer to a sign-in by another way than the sign-in page; None for any other request.

        The request was admitted: ``request.caller`` has shown a second factor or needs none here. A body that is
        looked into stays in ``environ``.
        """
        caller = request.caller
        if caller is not None and not self._fields.anywhere:
            return None
        path = access.path_in(request)
        if request.method == "POST" and path is not None and comparable_path(path) in self._fields.paths:
            return None
        if caller is not None and path is not None and self._fields.excepts(request.method, path):
            return None
        try:
            is_sign_in = self._is_sign_in(request.site, environ, caller)
        except RejectedRequestError as error:
            return routes.rejected(error)
        if not is_sign_in:
            return None
        self._tell(request, verified=caller is not None)
        return Reply(page="bad_request", status=403, word="forbidden", context={"message": _REFUSED})

    def _is_sign_in(self, site: Site, environ: dict[str, Any], caller: Caller | None) -> bool:
        pairs = _pairs_in_target(environ)
        unaccounted: Body | None = None
        if has_body(environ):
            body = spool_body(environ, bytes_max=self._fields.body_bytes_max).content()
            try:
                if "HTTP_CONTENT_ENCODING" in environ:
                    raise UnaccountedError("encoded")
                if body:
                    pairs += pairs_in_body(body, str(environ.get("CONTENT_TYPE") or ""), self._watched)
            except UnaccountedError:
                unaccounted = body
        given = GivenFields(pairs)
        if unaccounted is not None and self._is_mentioned(unaccounted, given, caller):
            return True
        matching = [each for each in self._fields.sets if each.matches(given)]
        return any(caller is None or not self._is_own(site, each, caller, given) for each in matching)

    def _is_mentioned(self, body: Body, given: GivenFields, caller: Caller | None) -> bool:
        """Return whether a body that could not be read may hold a sign-in."""
        if caller is None:
            return mentions(body, self._fields.names)
        return any(
            all(given.has(name) or mentions(body, (name,)) for name in each.names)
            for each in self._fields.sets
        )

    def _is_own(self, site: Site, matching: FieldSet, caller: Caller, given: GivenFields) -> bool:
        """Return whether fields that may sign in name no user but ``caller``.

        One field by itself is a credential, and whose it is cannot be told.
        """
        if not self._fields.user_fields or len(matching.fields) == 1:
            return False
        values = [value for name in self._fields.user_fields for value in given.values_of(name)]
        return all(value is not None and self._is_user(site, value, caller) for value in values)

    def _is_user(self, site: Site, typed: str, caller: Caller) -> bool:
        try:
            person = None if self._directory is None else self._directory(typed)
            if person is not None and person.key is not None:
                return person.key == caller.user
            spelling = typed if person is None else person.name
            return find(spelling, site.user_names, site.service.load).user == caller.user
        except InvalidUserError:
            return False

    def _tell(self, request: WebRequest, *, verified: bool) -> None:
        """Log a rejection, once for each path."""
        path = str(request.environ.get("PATH_INFO", ""))[:200]
        line = f"{request.method} {path}"
        if line in self._told or len(self._told) >= _TOLD_MAX:
            return
        self._told.add(line)
        if verified:
            logger.warning(
                "%r was refused, since its fields sign in another user: if this is none of the portal's sign-ins, say"
                ' sign_in_fields_except = ["%s"]',
                line,
                line.encode("unicode_escape").decode("ascii"),
            )
        else:
            logger.warning("%r was refused: it has sign-in fields and is none of sign_in_paths", line)


def _pairs_in_target(environ: dict[str, Any]) -> list[Pair]:
    """Return the fields in the query and in the path, also as they came before a server decoded them."""
    pairs: list[Pair] = []
    for key in ("PATH_INFO", "SCRIPT_NAME"):
        path = str(environ.get(key) or "")
        if ";" in path or "%" in path:
            pairs += pairs_in_path(path)
    # A server gives the query more than once, and it may differ where a front has rewritten it.
    queries = {str(environ.get("QUERY_STRING") or "")}
    for key in ("REQUEST_URI", "RAW_URI"):
        path, _, query = str(environ.get(key) or "").partition("?")
        pairs += pairs_in_path(path)
        queries.add(query)
    for query in queries:
        pairs += pairs_in_query(query)
    return pairs
