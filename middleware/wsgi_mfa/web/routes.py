"""Our own URLs: which view answers, and what is answered where none does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.errors import ConfigurationError, CorruptAccountError, UnsealError
from wsgi_mfa.web.http_errors import (
    MethodNotAllowedError,
    MisdirectedError,
    NotFoundError,
    PlainHttpError,
    RejectedRequestError,
    StaleFormError,
)
from wsgi_mfa.web.reply import Reply
from wsgi_mfa.web.request import WebRequest
from wsgi_mfa.web.views import (
    account,
    app_passwords,
    desk,
    enrollment,
    kept_app_passwords,
    navigation,
    recovery,
    reminder,
    sign_out,
    unlock,
    verification,
)

UNAVAILABLE_SECONDS = 5  # what Retry-After promises after a failure of ours

View = Callable[[WebRequest], Reply]

#: Path below the mount path -> method -> view.
VIEWS: dict[str, dict[str, View]] = {
    "/enroll": {"GET": enrollment.show_enroll, "POST": enrollment.post_enroll},
    "/enroll/manual": {"GET": enrollment.show_manual, "POST": enrollment.post_manual},
    "/reminder": {"GET": reminder.show_reminder, "POST": reminder.post_reminder},
    "/verify": {"GET": verification.show_verify, "POST": verification.post_verify},
    "/methods": {"GET": verification.show_methods},
    "/resync": {"GET": verification.show_resync, "POST": verification.post_resync},
    "/recover": {"GET": recovery.show_recover, "POST": recovery.post_recover},
    "/recovery-code": {"GET": recovery.show_recovery_code, "POST": recovery.post_recovery_code},
    "/unlock": {"GET": unlock.show_unlock, "POST": unlock.post_unlock},
    "/continue": {"GET": sign_out.show_continue},
    "/account": {"GET": account.show_account, "POST": account.post_account},
    "/app-passwords": {"GET": app_passwords.show_app_passwords, "POST": app_passwords.post_app_passwords},
    "/keep-app-passwords": {
        "GET": kept_app_passwords.show_choice,
        "POST": kept_app_passwords.post_choice,
    },
    "/sign-out": {"POST": sign_out.post_sign_out},
    "/help": {"GET": sign_out.show_help},
    "/session-ended": {"GET": sign_out.show_session_ended},
    "/support": {"GET": desk.show_support, "POST": desk.post_support},
}


def answer(request: WebRequest, path: str) -> Reply:
    """The reply to a request for ``path`` below the mount path."""
    try:
        reply = _view(request, path)(request)
    except StaleFormError as error:
        return navigation.redirect_to(
            request, request.state.outcome, navigation.next_of(request, error.fields)
        )
    except RejectedRequestError as error:
        return rejected(error)
    if reply.outcome is Outcome.WRONG_CODE:
        request.site.watch.wrong_answer(request.source, request.now)
    return reply


def rejected(error: RejectedRequestError) -> Reply:
    """The page that says why a request is not looked at."""
    return Reply(
        page=error.page,
        status=error.status,
        word=error.page,
        headers=error.headers,
        context={"message": str(error), "setting": getattr(error, "setting", None)},
    )


def _view(request: WebRequest, path: str) -> View:
    if not request.is_https:
        setting = request.site.public.explain_plain_http(request.environ)
        raise PlainHttpError(
            "codes, keys and recovery codes are asked for and shown over https only", setting=setting
        )
    methods = VIEWS.get(path)
    if methods is None:
        raise NotFoundError("there is no such page")
    view = methods.get("GET" if request.method == "HEAD" else request.method)
    if view is None:
        raise MethodNotAllowedError((*methods, "HEAD") if "GET" in methods else tuple(methods))
    if path in ("/help", "/session-ended"):
        return view
    if path == "/continue" and request.argument("signed-out") and request.state.session is None:
        return sign_out.show_signed_out
    if request.caller is not None:
        return view
    if request.sanitized.doubled:
        return sign_out.post_clear_doubled if view is sign_out.post_sign_out else sign_out.show_doubled
    return sign_in_first


def misdirected(request: WebRequest) -> Reply:
    """The request is for another host than the portal's (D48)."""
    public = request.site.public
    reply = rejected(MisdirectedError("the request is for another host"))
    return replace(reply, context={**reply.context, "url": f"{public.origin}{public.root}"})


def sign_in_first(request: WebRequest) -> Reply:
    """Nobody is signed in at the portal: what was asked for is behind its own sign-in."""
    return Reply(page="continue", status=401, word="sign_in_required", location=request.root)


def unavailable(error: Exception | None = None) -> Reply:
    """Something of ours failed: closed, and nothing was changed (R80).

    What no later try mends, an account that was edited or a wrong key, is told so.
    """
    if isinstance(error, (CorruptAccountError, UnsealError, ConfigurationError)):
        return Reply(
            page="unavailable", status=503, outcome=Outcome.UNAVAILABLE, context={"is_lasting": True}
        )
    return Reply(
        page="unavailable", status=503, outcome=Outcome.UNAVAILABLE, retry_after_seconds=UNAVAILABLE_SECONDS
    )


def as_json(request: WebRequest, path: str | None) -> bool:
    """Return whether a client gets JSON: below our own path if it asks for it, elsewhere unless it is a navigation."""
    return request.wants_json if path is not None else not request.is_navigation
