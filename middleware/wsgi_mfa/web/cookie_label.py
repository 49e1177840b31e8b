"""The label in our cookies' names, which keeps portals of one host apart.

Browsers send the cookies of a host to every port of it and, with ``Path=/``, to every path. Two portals that set
cookies of equal names would overwrite each other's sessions, and ask for a code at every change from one to the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.web.cookies import CookieNames
from wsgi_mfa.web.public_url import PublicUrl

LABEL_SYMBOLS = 8
_LABEL = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def cookie_label(
    *, store_id: str, mount_path: str, url: str | None = None, issuer: str = "", script_name: str = ""
) -> str:
    """Return the label of a portal: 8 symbols that depend on its store and its place.

    Its place is its public URL if there is one, otherwise its issuer and the path at which the server has it. No key
    takes part, since a rotation of keys must not rename the cookies; the label is no secret.
    """
    place = ("url", url) if url is not None else ("issuer", issuer, script_name)
    message = "\0".join(("cookie label", *place, mount_path)).encode()
    digest = hmac.digest(store_id.encode(), message, hashlib.sha256)
    return base64.b32encode(digest)[:LABEL_SYMBOLS].decode("ascii").lower()


def checked_label(label: str | None) -> str | None:
    """Return ``label``, the setting ``cookie_label``.

    :raises ConfigurationError: it cannot be part of a cookie's name.
    """
    if label is not None and _LABEL.fullmatch(label) is None:
        raise ConfigurationError(
            f"cookie_label is {label!r}: legal are 1 to 32 letters and digits", setting="cookie_label"
        )
    return label


class CookieLabels:
    """The labels of one middleware, and the names of its cookies with them.

    ``fixed`` is the setting ``cookie_label``. ``of_portal`` is the label of what belongs to the portal as a whole.
    """

    def __init__(
        self, *, store_id: str, mount_path: str, public: PublicUrl, issuer: str, fixed: str | None
    ) -> None:
        """Take the parts of the label.

        :raises ConfigurationError: ``fixed`` cannot be part of a cookie's name.
        """
        self._fixed = checked_label(fixed)
        self._store_id = store_id
        self._mount_path = mount_path
        self._url = None if public.origin is None else f"{public.origin}{public.root}"
        self._issuer = issuer
        self.plain_http = public.plain_http
        self.of_portal = self._label("")

    @property
    def is_fixed(self) -> bool:
        """True if the names are the same in every request."""
        return not self.plain_http and (self._fixed is not None or self._url is not None)

    def names(self, *, script_name: str = "", port: str = "") -> CookieNames:
        """Return the names of the cookies in requests below ``script_name``, over plain http at ``port``.

        There the port tells portals apart, and only one that shares it has a label as well.
        """
        if not self.plain_http:
            return CookieNames.over_https(self._label(script_name))
        shares_port = self._fixed is not None or script_name.strip("/") != ""
        return CookieNames.over_plain_http(port, self._label(script_name) if shares_port else None)

    def _label(self, script_name: str) -> str:
        return self._fixed or cookie_label(
            store_id=self._store_id,
            mount_path=self._mount_path,
            url=self._url,
            issuer=self._issuer,
            script_name=script_name,
        )
