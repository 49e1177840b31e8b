"""An application that asks for a fresher second factor itself, by its own answer (RFC 9470, R78).

It answers 401 with ``WWW-Authenticate: Bearer error="insufficient_user_authentication", max_age="300"``, and needs to
import nothing for that. A person's browser is then led to the page for codes and back; a program gets the answer of
the application, which says all that it has to know.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from wsgi_mfa.core.outcome import Outcome
from wsgi_mfa.core.standing import factor_is_younger
from wsgi_mfa.web import gate
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.site import WebRequest

logger = logging.getLogger("wsgi_mfa")

#: A second factor that is younger is as fresh as one can be: a browser that came with it is not led round once more,
#: whatever the application says.
AGE_SECONDS_MIN = 30
_ERROR = "insufficient_user_authentication"

Headers = list[tuple[str, str]]


def asked_in(headers: Headers, *, otherwise: int) -> int | None:
    """The greatest age in seconds of the second factor that an answer of status 401 asks for; None if it does not.

    Without a ``max_age``, or with one that is no number, it is ``otherwise``.
    """
    from werkzeug.datastructures import WWWAuthenticate

    for name, value in headers:
        if name.lower() == "www-authenticate":
            challenge = WWWAuthenticate.from_header(value)
            if challenge is None or challenge.type != "bearer" or challenge.get("error") != _ERROR:
                continue
            age = challenge.get("max_age") or ""
            return int(age) if age.isascii() and age.isdigit() and len(age) < 10 else otherwise
    return None


def judged(request: WebRequest, headers: Headers) -> tuple[Headers, Reply | None]:
    """What an answer of status 401 with ``headers`` comes to: the headers to send, or the reply to give instead.

    What the application has noted in its cookies stays. What a form had sent was not carried out, by the very answer.
    """
    age_seconds_max = asked_in(headers, otherwise=request.site.service.policy.step_up_seconds)
    if age_seconds_max is None:
        return headers, None
    outcome = outcome_of(request, age_seconds_max)
    if outcome is None:
        return completed(headers, age_seconds_max), None
    reply = gate.led_on(request, outcome)
    cookies = tuple((name, value) for name, value in headers if name.lower() == "set-cookie")
    return headers, replace(reply, headers=(*reply.headers, *cookies))


def outcome_of(request: WebRequest, age_seconds_max: int) -> Outcome | None:
    """What such an answer means for the browser; None where it may stand as it is."""
    if request.caller is None or not request.is_navigation or not request.is_https:
        return None
    session = request.standing.session
    if session is None:
        return request.standing.outcome  # somebody who was let off, or need no second factor yet
    if factor_is_younger(session, request.context, seconds=max(age_seconds_max, AGE_SECONDS_MIN)):
        logger.warning(
            "the application asks for a second factor of the last %d s, and was told of one that is younger: its"
            " answer is passed on",
            age_seconds_max,
        )
        return None
    return Outcome.STEP_UP_REQUIRED


def completed(headers: Headers, age_seconds_max: int) -> Headers:
    """The headers for a program, which are to say how old the second factor may be."""
    return [
        (name, f'{value}, max_age="{age_seconds_max}"' if _lacks_age(name, value) else value)
        for name, value in headers
    ]


def _lacks_age(name: str, value: str) -> bool:
    return name.lower() == "www-authenticate" and _ERROR in value and "max_age" not in value
