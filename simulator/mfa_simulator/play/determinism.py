"""The first place where two plays of one scenario with the same seed differ; there must be none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from mfa_simulator.play.running import Play, PlayedStep
from mfa_simulator.play.timeline import timeline

SHOWN = 200


def first_difference(first: Play, second: Play) -> tuple[str, ...]:
    """Compare all that was sent, and then the timelines, byte for byte; an empty tuple when they are the same."""
    file = first.scenario.file
    for one, other in zip_longest(first.moments, second.moments):
        if one is None or other is None:
            break
        for number, (before, after) in enumerate(
            zip_longest(_whole(one), _whole(other), fillvalue=""), start=1
        ):
            if before != after:
                request = before.partition("\n")[0] or "no request"
                place = (
                    f"{file}:{one.step.position.line}: request {number} of this step, {request}, or its reply"
                )
                return (
                    f"{place} differs between two plays with seed {first.scenario.seed}",
                    *_lines(before, after),
                )
        if one.between != other.between:
            place = f"{file}:{one.step.position.line}: a request between the first and the last of this step"
            return (f"{place} differs between two plays with seed {first.scenario.seed}",)
    before, after = timeline(first), timeline(second)
    if before == after:
        return ()
    line = first.moments[-1].step.position.line if first.moments else first.scenario.line
    return (f"{file}:{line}: the timelines differ", *_lines(before, after))


def _whole(moment: PlayedStep) -> Iterator[str]:
    """Give each request and the server's reply as they were sent."""
    for exchange in moment.exchanges:
        request, reply = exchange.request, exchange.served
        lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers)]
        lines += ["", request.body.decode("utf-8", "backslashreplace")]
        if reply is not None:
            lines += [str(reply.status), *(f"{name}: {value}" for name, value in reply.headers)]
            lines += ["", reply.body.decode("utf-8", "backslashreplace")]
        yield "\n".join(lines)


def _lines(before: str, after: str) -> tuple[str, str]:
    """Give the first two lines that are not the same, from shortly before the byte where they part."""
    pairs = zip_longest(before.split("\n"), after.split("\n"), fillvalue="")
    one, other = next((one, other) for one, other in pairs if one != other)
    parts_at = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    begin = max(0, parts_at - SHOWN // 2)
    return f"first:  {one[begin : begin + SHOWN]}", f"second: {other[begin : begin + SHOWN]}"
