"""The fields that a portal's users sign in by, as adapters and settings declare them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.adapters.chain import parts_of
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential, Where
from wsgi_mfa.identity.sign_in_fields.names import GivenFields, comparable_path, name_of
from wsgi_mfa.identity.sign_in_fields.presets import PRESETS, Preset

BODY_BYTES_MAX = 64 * 1024 * 1024
_EXCEPTION = re.compile(r"([A-Z]+) (/[^?#\s]*)", re.ASCII)
_PATH = re.compile(r"/[^?#]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldSet:
    """Fields that sign a user in if all of them are sent: each a name, and the text that it must have or None."""

    fields: tuple[tuple[str, str | None], ...]

    def matches(self, given: GivenFields) -> bool:
        """Return whether a request with these fields may be a sign-in."""
        return all(given.has(name, fixed) for name, fixed in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(name for name, _ in self.fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInFields:
    """Everything that is watched for one portal.

    ``sets`` are the field sets, ``paths`` the sign-in paths in the form of :func:`comparable_path`. ``anywhere``
    says that the portal signs users in at every URL. ``user_fields`` are those with the user's name.
    ``exceptions`` are methods and paths that verified requests may send such fields to.
    """

    sets: tuple[FieldSet, ...]
    paths: frozenset[str]
    anywhere: bool
    user_fields: tuple[str, ...]
    exceptions: tuple[tuple[str, str], ...]
    body_bytes_max: int

    @property
    def names(self) -> tuple[str, ...]:
        """Every watched name, in the form in which names are compared."""
        return tuple(dict.fromkeys(name for each in self.sets for name in each.names))

    def excepts(self, method: str, path: str) -> bool:
        """Return whether verified requests of ``method`` for ``path`` may send such fields."""
        if "//" in path or {".", ".."} & set(path.split("/")):
            return False
        return any(
            method == legal and (path == root or path.startswith(root.rstrip("/") + "/"))
            for legal, root in self.exceptions
        )


def sign_in_fields_of(
    identity: Adapter,
    *,
    sign_in_fields: Sequence[str | Sequence[str]] | str = (),
    sign_in_paths: Sequence[str] = (),
    sign_in_user_fields: Sequence[str] = (),
    signs_in_anywhere: bool = False,
    sign_in_fields_except: Sequence[str] = (),
    sign_in_body_bytes_max: int = BODY_BYTES_MAX,
    other_fields: Sequence[str] = (),
) -> SignInFields | None:
    """Join what the adapter and the settings declare; None where no field is declared.

    ``other_fields`` carry the portal's session id in a body.

    :raises ConfigurationError: a setting has no legal value; the message names both.
    """
    traits = identity.traits
    presets, sets = _read_sets(sign_in_fields)
    sets += [set_ for preset in presets for set_ in preset.sets]
    read = [_field_set(each) for each in (*traits.sign_in_fields, *sets)]
    if not read and not other_fields:
        _reject_without_sets(sign_in_fields_except, signs_in_anywhere=signs_in_anywhere)
        return None
    paths = (*traits.sign_in_paths, *_texts("sign_in_paths", sign_in_paths, _PATH, "paths such as /sign-in"))
    anywhere = traits.signs_in_anywhere or signs_in_anywhere or any(each.anywhere for each in presets)
    if not isinstance(signs_in_anywhere, bool):
        raise ConfigurationError(
            f"signs_in_anywhere is {signs_in_anywhere!r}: legal are true and false",
            setting="signs_in_anywhere",
        )
    if read and not paths:
        raise ConfigurationError(
            "sign_in_paths is missing: with sign_in_fields it names the paths at which users sign in, such as"
            ' ["/sign-in"]',
            setting="sign_in_paths",
        )
    if type(sign_in_body_bytes_max) is not int or sign_in_body_bytes_max < 1:
        raise ConfigurationError(
            f"sign_in_body_bytes_max is {sign_in_body_bytes_max!r}: legal is a number of bytes above 0",
            setting="sign_in_body_bytes_max",
        )
    read += [
        FieldSet(fields=((name_of(name), None),)) for name in (*_credential_names(identity), *other_fields)
    ]
    users = (*traits.sign_in_user_fields, *sign_in_user_fields, *(u for p in presets for u in p.user_fields))
    return SignInFields(
        sets=tuple(dict.fromkeys(read)),
        paths=frozenset(map(comparable_path, paths)),
        anywhere=anywhere,
        user_fields=tuple(dict.fromkeys(map(name_of, users))),
        exceptions=_exceptions(sign_in_fields_except),
        body_bytes_max=sign_in_body_bytes_max,
    )


def fields_as_cookies(fields: SignInFields | None, identity: Adapter) -> tuple[UndeclaredCredential, ...]:
    """Return the watched names as cookies that are taken out of requests; Zope reads fields from cookies too."""
    names = () if fields is None else fields.names
    return tuple(
        UndeclaredCredential(where=Where.COOKIE, pattern=name, reason="a sign-in field")
        for name in names
        if name not in map(name_of, identity.credentials.cookies)
    )


def _read_sets(given: Sequence[str | Sequence[str]] | str) -> tuple[list[Preset], list[tuple[str, ...]]]:
    presets, sets = [], []
    for each in [given] if isinstance(given, str) else given:
        if isinstance(each, str):
            if each not in PRESETS:
                raise _illegal_sets(given)
            presets.append(PRESETS[each])
        elif each and all(isinstance(text, str) and text.partition("=")[0].strip() for text in each):
            sets.append(tuple(each))
        else:
            raise _illegal_sets(given)
    return presets, sets


def _illegal_sets(given: object) -> ConfigurationError:
    return ConfigurationError(
        f'sign_in_fields is {given!r}: legal is a list of sets such as [["username", "password"], ["@action=login",'
        f' "__login_name"]], or of {", ".join(PRESETS)}',
        setting="sign_in_fields",
    )


def _field_set(texts: Iterable[str]) -> FieldSet:
    fields = []
    for text in texts:
        name, equals, value = text.partition("=")
        fields.append((name_of(name), value.strip().casefold() if equals else None))
    return FieldSet(fields=tuple(fields))


def _credential_names(identity: Adapter) -> Iterable[str]:
    """Yield the names by which a portal may take its session id from a body, where it may not read cookies alone."""
    for part in parts_of(identity):
        if not part.traits.cookies_alone:
            yield from (name for name in part.credentials.cookies if name not in part.traits.own_cookies)
        yield from part.credentials.arguments


def _exceptions(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    legal = 'methods and paths such as "POST /user/"'
    texts = _texts("sign_in_fields_except", given, _EXCEPTION, legal)
    return tuple((method, path) for method, _, path in (text.partition(" ") for text in texts))


def _texts(setting: str, given: Sequence[str], pattern: re.Pattern[str], legal: str) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(each, str) and pattern.fullmatch(each) for each in given):
        raise ConfigurationError(f"{setting} is {given!r}: legal is a list of {legal}", setting=setting)
    return tuple(given)


def _reject_without_sets(sign_in_fields_except: Sequence[str], *, signs_in_anywhere: bool) -> None:
    given = {"sign_in_fields_except": sign_in_fields_except, "signs_in_anywhere": signs_in_anywhere}
    for setting, value in given.items():
        if value:
            raise ConfigurationError(
                f"{setting} is given without sign_in_fields, which says what is watched", setting=setting
            )
