"""Requests that pass to the application, and what answers in the place of its answer where one is held."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

from wsgi_mfa.identity.observe import without_own_cookies
from wsgi_mfa.web import step_up
from wsgi_mfa.web.observer import Headers, Observer, thrown_away
from wsgi_mfa.web.reply import response_to
from wsgi_mfa.web.site import WebRequest

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def passed_unchanged(
    application: WSGIApplication,
    request: WebRequest,
    own: Collection[str],
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Call an application whose answers cannot change the user, but may ask for a fresher second factor.

    Its own iterable is handed on as it is; an answer that it starts after it has returned stands as it is too.
    """
    if request.caller is not None:
        request.environ = environ.copy()  # applications change their environ
    iterable = application(environ, partial(_start, request, own, start_response))
    observer = request.observer
    if observer is None:
        request.is_passed_on = True
        return iterable
    return answered(request, observer, iterable, start_response)


def answered(
    request: WebRequest, observer: Observer, iterable: Iterable[bytes], start_response: StartResponse
) -> Iterable[bytes]:
    """The application's own answer, or what answers in its place."""
    instead = observer.held()
    if instead is None:
        return iterable
    thrown_away(iterable, request.site.service.clock)
    return instead(request.environ, start_response)


def _start(
    request: WebRequest,
    own: Collection[str],
    start_response: StartResponse,
    status: str,
    headers: Headers,
    exc_info: OptExcInfo | None = None,
    /,
) -> Callable[[bytes], object]:
    """``start_response``: only our names are kept (D6), and a status of 401 is looked at."""
    try:
        if status.startswith("401") and request.observer is None and not request.is_passed_on:
            request.observer = Observer(partial(_judged, request, own), start_response)
        if request.observer is not None:
            return request.observer.start_response(status, headers, exc_info)
        headers = without_own_cookies(headers, own)
        return (
            start_response(status, headers) if exc_info is None else start_response(status, headers, exc_info)
        )
    finally:
        exc_info = None  # the traceback of what is raised here leads to this frame: a cycle (R68)


def _judged(
    request: WebRequest, own: Collection[str], status: str, headers: Headers
) -> tuple[Headers, WSGIApplication | None]:
    headers = without_own_cookies(headers, own)
    if not status.startswith("401"):
        return headers, None
    headers, reply = step_up.judged(request, headers)
    return headers, None if reply is None else response_to(request, reply, as_json=False)
