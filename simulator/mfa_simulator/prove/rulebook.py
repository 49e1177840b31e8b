"""The one place that calls the rules of the middleware, and makes what is handed to them."""

from __future__ import annotations

from functools import lru_cache

from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.phone import AuthenticatorKey
from wsgi_mfa import Policy
from wsgi_mfa.accounts import Account, KeyParameters
from wsgi_mfa.rules import (
    Command,
    Context,
    Decision,
    NewKey,
    NewRecoveryCode,
    Outcome,
    authentication_state,
    decide,
    recovery_code_digest,
)

_SALT = b"prove" * 4
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def decided(account: Account, command: Command, now: int, policy: Policy) -> Decision:
    """Return the middleware's decision about a command."""
    return decide(account, command, Context(now=now, policy=policy))


def state_of(account: Account, session_id: str | None, now: int, policy: Policy) -> Outcome:
    """Return what the gate would say to a browser whose cookie names this session."""
    return authentication_state(
        account, session_id=session_id, login=None, context=Context(now=now, policy=policy)
    ).outcome


def step_at(now: int, policy: Policy) -> int:
    """Return the time step of an instant."""
    return now // (policy.period_seconds * SECOND)


@lru_cache(maxsize=65_536)
def code_of(key_id: str, step: int, digits: int) -> str:
    """Return the code of a key at a step, worked out by the simulator's own phone."""
    return AuthenticatorKey(account="", secret=_secret(key_id), digits=digits).code_at(step)


@lru_cache(maxsize=4096)
def key_bytes(key_id: str) -> bytes:
    """Return the key of an enrollment; each has its own."""
    return key_id.encode().ljust(20, b"k")


@lru_cache(maxsize=4096)
def _secret(key_id: str) -> str:
    number = int.from_bytes(key_bytes(key_id), "big")
    return "".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(32)))


def new_key(key_id: str, policy: Policy) -> NewKey:
    """Return the key of a new enrollment."""
    parameters = KeyParameters(algorithm="SHA1", digits=policy.digits, period_seconds=policy.period_seconds)
    return NewKey(id=key_id, sealed_key=f"sealed {key_id}", parameters=parameters)


def new_recovery_code(code_id: str) -> NewRecoveryCode:
    """Return a new recovery code, whose text is its id."""
    return NewRecoveryCode(id=code_id, sealed_digest=f"digest {code_id}", sealed_copy=f"copy {code_id}")


@lru_cache(maxsize=4096)
def recovery_digest(code_id: str) -> bytes:
    """Return what is stored of a recovery code."""
    return recovery_code_digest(code_id, _SALT[:16])
