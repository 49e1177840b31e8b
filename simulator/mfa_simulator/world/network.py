"""The network between a browser and the server: it delays, loses, cuts and doubles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mfa_simulator.errors import RequestTimeoutError
from mfa_simulator.language.scenario import NetworkSpec
from mfa_simulator.world.clocks import TrueTime
from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.http import Request, Response
from mfa_simulator.world.recorder import Exchange, Recorder


class Network:
    """Carries requests to the server, and notes them in the record of the step.

    `deliver` returns the reply, or None if the worker ended over the request.
    """

    def __init__(
        self,
        time: TrueTime,
        *,
        deliver: Callable[[Request], Response | None],
        entropy: SeededEntropy,
        recorder: Recorder,
    ) -> None:
        self._time = time
        self._deliver = deliver
        self._entropy = entropy
        self._recorder = recorder

    def send(self, request: Request, spec: NetworkSpec, *, about: str = "") -> Response:
        """Carry one request; true time passes by what it takes.

        Raises RequestTimeoutError when the browser gives up; the server may have acted nevertheless.
        """
        sent_at = self._time.now()
        served, seen = self._carry(request, spec)
        exchange = Exchange(request=request, about=about, sent_at=sent_at, served=served, seen=seen)
        self._recorder.current.exchanged(exchange)
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
        if served is None:
            return (
                None,
                None,
            )  # the worker has ended, and the browser knows at once that its connection is gone
        if spec.lose == "response" or self._time.now() > gives_up_at:
            # Lost, or the server was too slow: the browser has given up by then.
            self._time.wait_until(max(gives_up_at, self._time.now()))
            return served, None
        return served, _cut(served, spec.cut)

    def _serve(self, request: Request, spec: NetworkSpec) -> Response | None:
        response = self._deliver(request)
        return self._deliver(request) if spec.duplicate else response


def _cut(response: Response, length: int | None) -> Response:
    if length is None or length >= len(response.body):
        return response
    end = len(response.body) // 2 if length < 0 else length
    return replace(response, body=response.body[:end], cut=True)
