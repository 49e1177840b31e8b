from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from wsgi_mfa.entropy import Entropy, SystemEntropy

if TYPE_CHECKING:
    _: Entropy = SystemEntropy()


@pytest.mark.parametrize("count", [0, 1, 12, 32])
def test_as_many_bytes_come_as_were_asked_for(count: int) -> None:
    assert len(SystemEntropy().token_bytes(count)) == count


def test_the_operating_system_is_asked_and_nothing_is_repeated() -> None:
    entropy = SystemEntropy()
    assert len({entropy.token_bytes(16) for _ in range(1000)}) == 1000


def test_the_bytes_are_those_of_the_secrets_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_bytes", lambda count: b"r" * count)
    assert SystemEntropy().token_bytes(3) == b"rrr"
