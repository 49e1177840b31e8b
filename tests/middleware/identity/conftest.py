from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from wsgi_mfa.identity.adapter import AdapterTraits, Credentials, FirstFactor, Identification

WATCHED = AdapterTraits(user_changes_in_response=True)


@dataclass
class Recorded:
    """An adapter that answers by a rule of the test and keeps what it was shown."""

    credentials: Credentials
    rule: Callable[[Mapping[str, Any]], Identification] = lambda environ: FirstFactor(user="alice")
    traits: AdapterTraits = WATCHED
    seen: list[dict[str, Any]] = field(default_factory=list)

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        self.seen.append(dict(environ))
        return self.rule(environ)

    def selftest(self) -> list[str]:
        return []

    def store_selftest(self) -> list[str]:
        return []


@pytest.fixture
def recorded() -> type[Recorded]:
    return Recorded
