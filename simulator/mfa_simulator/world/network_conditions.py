"""The conditions of the network in a step: the settings of the file, and the changes for one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mfa_simulator.language.scenario import NetworkSpec
from mfa_simulator.world.http import Request

DECIDING = ("code", "recovery_code", "saved", "action")


@dataclass(kw_only=True, slots=True)
class NetworkConditions:
    """The network of a step: `changes` are put over the file's settings for the first request that they mean.

    That is the one that `changes` name by `request`, else the first about one of the fields in `about`, else, where
    `about` is empty, the first of all.
    """

    base: NetworkSpec
    changes: Mapping[str, Any]
    about: tuple[str, ...] = DECIDING
    spent: bool = False

    def for_request(self, request: Request, about: str) -> NetworkSpec:
        """Give the network for one request."""
        if self.spent or not self.changes or not self._fits(request, about):
            return self.base
        self.spent = True
        return replace(self.base, **self.changes)

    def _fits(self, request: Request, about: str) -> bool:
        named = self.changes.get("request")
        if named is None:
            return not self.about or about in self.about
        return named in (about, request.path, f"{request.method} {request.path}")
