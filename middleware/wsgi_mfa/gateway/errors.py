"""What can go wrong between us and the portal, each with the status that the client is answered by."""

from __future__ import annotations

from wsgi_mfa.errors import MfaError


class UpstreamError(MfaError):
    """The portal gave no answer that could be handed on."""

    status = "502 Bad Gateway"
    word = "upstream_unreachable"
    title = "The portal does not answer."


class BadUpstreamAnswerError(UpstreamError):
    """The portal's answer breaks the protocol."""

    word = "upstream_answer"
    title = "The portal's answer cannot be understood."


class UpstreamTimeoutError(UpstreamError):
    """The portal took too long."""

    status = "504 Gateway Timeout"
    word = "upstream_timeout"
    title = "The portal takes too long to answer."


class BadTargetError(UpstreamError):
    """The request is for no path, or by a method that is not handed on."""

    status = "400 Bad Request"
    word = "bad_request"
    title = "The request cannot be handed on."
