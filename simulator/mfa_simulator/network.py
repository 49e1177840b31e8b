"""The network between a browser and the server: it delays, loses, cuts and doubles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mfa_simulator.clock import TrueTime
from mfa_simulator.entropy import SeededEntropy
from mfa_simulator.errors import RequestTimeoutError
from mfa_simulator.http import Request, Response
from mfa_simulator.record import record
from mfa_simulator.scenario import NetworkSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One request and what became of it.

    `about` is the form field that the request is about, or an empty text; `sent_at` an instant of true time.
    `served` is what the server answered, `seen` what the browser got; None for nothing.
    """

    request: Request
    about: str
    sent_at: int
    served: Response | None
    seen: Response | None

    @property
    def summary(self) -> str:
        """Which request it was and what came back, in words."""
        reply = self.seen.summary if self.seen is not None else "no reply"
        if self.seen is None and self.served is not None:
            reply += f" (the server had answered {self.served.summary})"
        return f"{self.request.method} {self.request.path} {reply}"


class Network:
    """Carries requests to the server, and notes them in the record of the step."""

    def __init__(
        self, time: TrueTime, *, deliver: Callable[[Request], Response], entropy: SeededEntropy
    ) -> None:
        self._time = time
        self._deliver = deliver
        self._entropy = entropy

    def send(self, request: Request, spec: NetworkSpec, *, about: str = "") -> Response:
        """Carry one request; true time passes by what it takes.

        Raises RequestTimeoutError when the browser gives up; the server may have acted nevertheless.
        """
        sent_at = self._time.now()
        served, seen = self._carry(request, spec)
        exchange = Exchange(request=request, about=about, sent_at=sent_at, served=served, seen=seen)
        record().exchanges.append(exchange)
        if seen is None:
            raise RequestTimeoutError(f"no reply to {request.method} {request.path}")
        return seen

    def _carry(self, request: Request, spec: NetworkSpec) -> tuple[Response | None, Response | None]:
        gives_up_at = self._time.now() + spec.client_timeout
        arrives_at = self._time.now() + spec.latency
        if spec.jitter:
            arrives_at += self._entropy.below(spec.jitter + 1)
        if spec.lose == "request":
            self._time.wait_until(gives_up_at)
            return None, None
        if arrives_at > gives_up_at:
            # The browser has given up by then, and the server acts all the same.
            self._time.plan(arrives_at, lambda: self._serve(request, spec))
            self._time.wait_until(gives_up_at)
            return None, None
        self._time.wait_until(arrives_at)
        served = self._serve(request, spec)
        if spec.lose == "response":
            self._time.wait_until(gives_up_at)
            return served, None
        return served, _cut(served, spec.cut)

    def _serve(self, request: Request, spec: NetworkSpec) -> Response:
        response = self._deliver(request)
        return self._deliver(request) if spec.duplicate else response


def _cut(response: Response, length: int | None) -> Response:
    if length is None or length >= len(response.body):
        return response
    end = len(response.body) // 2 if length < 0 else length
    return replace(response, body=response.body[:end], cut=True)
