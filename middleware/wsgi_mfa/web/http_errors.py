"""Requests to our own pages that are refused before any rule is asked."""

from __future__ import annotations

from collections.abc import Mapping

from wsgi_mfa.errors import MfaError


class RejectedRequestError(MfaError):
    """A request that cannot be answered with its page; ``status`` and ``page`` say what is answered instead."""

    status = 400
    page = "bad_request"
    headers: tuple[tuple[str, str], ...] = ()


class BadRequestError(RejectedRequestError):
    """A doubled, malformed or cut-off field (R79)."""


class ForbiddenError(RejectedRequestError):
    """A foreign or missing token, another site, or a page that must not be embedded (R73, D13)."""

    status = 403
    page = "forbidden"


class CookiesRefusedError(ForbiddenError):
    """A form came without the browser cookie that was given with its page: the browser keeps no cookies of ours."""

    page = "cookies_refused"


class MisdirectedError(RejectedRequestError):
    """The request names a host that is not the portal's (RFC 9110 section 15.5.20, D48)."""

    status = 421
    page = "misdirected"


class StaleFormError(ForbiddenError):
    """A form from before the second factor of this very browser, which is led on; ``fields`` are those of the form."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("the form is from before the second factor")
        self.fields = fields


class PlainHttpError(RejectedRequestError):
    """Our pages are for https only (R14, D35)."""

    status = 403
    page = "plain_http"

    def __init__(self, message: str, *, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting  # what a developer sets on the own machine


class NotFoundError(RejectedRequestError):
    """No such page below the mount path."""

    status = 404
    page = "not_found"


class MethodNotAllowedError(RejectedRequestError):
    """The page knows other methods only."""

    status = 405
    page = "method_not_allowed"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"this page knows {', '.join(allowed)} only")
        self.headers = (("Allow", ", ".join(allowed)),)


class TooLargeError(RejectedRequestError):
    """A body over ``form_bytes_max`` (R70)."""

    status = 413
    page = "too_large"

    def __init__(self, bytes_max: int) -> None:
        super().__init__(f"the body is longer than {bytes_max} bytes")
