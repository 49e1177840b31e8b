"""What names an account in the URL of the support desk: sealed for one agent, so that no log has a user's name in it.

Nobody can name another account by changing it, and no other agent can use it (R47).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from wsgi_mfa.core.expiry import younger
from wsgi_mfa.errors import UnknownKeyError, UnsealError
from wsgi_mfa.keys.ring import NONCE_BYTES, SealContext
from wsgi_mfa.web.http_errors import NotFoundError
from wsgi_mfa.web.request import WebRequest

LINK_SECONDS = 3600
_FIELD = "desk/account"


class Found(NamedTuple):
    """An account that an agent has named, and the address that was typed to find it, or "".

    ``is_counted`` says that the look-up was counted and logged already; otherwise it is when the account is shown.
    """

    user: str
    email: str
    is_counted: bool = False


def link_of(request: WebRequest, found: Found) -> str:
    """The handle of an account for the agent of this request; it lasts an hour."""
    service = request.site.service
    plain = json.dumps([request.now, *found], ensure_ascii=False).encode()
    nonce = service.entropy.token_bytes(NONCE_BYTES)
    return service.keys.ring.seal(plain, nonce=nonce, context=_context(request))


def opened(request: WebRequest, handle: str) -> Found:
    """The account behind a handle.

    :raises NotFoundError: it is none, is another agent's, or has grown old.
    """
    service = request.site.service
    try:
        made_at, *found = json.loads(service.keys.ring.open(handle, context=_context(request)))
    except (UnsealError, UnknownKeyError):
        raise NotFoundError("there is no such account") from None
    if not younger(made_at, request.context, seconds=LINK_SECONDS):
        raise NotFoundError("this page is too old: look the account up again")
    return Found(*found)


def _context(request: WebRequest) -> SealContext:
    caller = request.caller
    return SealContext(
        store_id=request.site.service.store.identity.store_id,
        user=caller.user if caller is not None else "",
        field=_FIELD,
    )
