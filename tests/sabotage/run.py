"""Break the middleware in one place at a time, and see that the catalogue of scenarios notices.

    python tests/sabotage/run.py [-j 2] [FILE OR PART OF A NAME ...]

Each table ``[[break]]`` in ``breaks/*.toml`` is a small change of one rule. A process with that change plays the
catalogue, the likely scenarios first, up to the first one that fails; the report says which, and where. The unbroken
middleware plays all of it, too, and must pass.

Ends with 0 when every break was caught, 1 when one was not or the unbroken middleware failed, 2 when a change does
not fit the middleware any more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

from breaks import Break, misfits, package_folder, read_breaks
from play import Verdict, verdict, warm_up

PATIENCE_SECONDS = 900  # for the whole catalogue on a machine that has much else to do
CAUGHT, NOT_CAUGHT, DOES_NOT_FIT = 0, 1, 2
Job = Break | None


def _work(pipe: Connection, broken: Job, package: Path) -> None:
    try:
        pipe.send(verdict(broken, package))
    except Exception:  # noqa: BLE001 - told by the parent, which knows the break
        pipe.send(traceback.format_exc())
    finally:
        pipe.close()


def tried(jobs: Sequence[Job], package: Path, *, at_once: int) -> Iterator[tuple[Job, Verdict | str]]:
    """Each job with its verdict, or with the traceback of what kept it from being played, as they come."""
    # Forked, so that what others have written is imported once; no thread runs here.
    context = multiprocessing.get_context("fork")
    waiting: list[Job] = list(jobs)
    running: dict[Connection, tuple[Job, multiprocessing.process.BaseProcess, float]] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            job = waiting.pop(0)
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(theirs, job, package))
            process.start()
            theirs.close()
            running[ours] = job, process, time.monotonic()
        heard = wait(list(running), timeout=1)
        for ours, (job, process, began) in list(running.items()):
            if ours in heard:
                found = _heard(ours)
            elif time.monotonic() - began > PATIENCE_SECONDS:
                process.kill()
                found = f"the catalogue does not come to an end within {PATIENCE_SECONDS} s"
            else:
                continue
            process.join()
            del running[ours]
            yield job, found


def _heard(pipe: Connection) -> Verdict | str:
    try:
        found: Verdict | str = pipe.recv()
    except EOFError:
        found = "the process ended without a word"
    return found


def told(job: Job, found: Verdict | str) -> tuple[bool, str]:
    """Whether a job came to what it should, and that in words."""
    name = job.name if job is not None else "(nothing is broken)"
    if isinstance(found, str):
        return False, f"ERROR       {name}\n{found}"
    if job is None:
        good = found.caught is None
        what = f"all {found.played} scenarios passed" if good else f"failed at {found.caught}"
        return good, f"{'ok' if good else 'FAILED':10}  {name}: {what}"
    if found.caught is None:
        return False, f"NOT CAUGHT  {name}: all {found.played} scenarios passed"
    return True, f"caught      {name}\n            by {found.caught}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("parts", nargs="*", help="only breaks of these files, or with this in their names")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="so many at once")
    chosen = parser.parse_args(arguments)
    package, breaks = package_folder(), read_breaks()
    if problems := list(misfits(breaks, package)):
        print("These breaks do not fit any more; write them anew:", *problems, sep="\n  ")
        return DOES_NOT_FIT
    if chosen.parts:
        breaks = [
            each for each in breaks if any(part == each.area or part in each.name for part in chosen.parts)
        ]
    # The unbroken one plays longest, so it begins first.
    jobs: list[Job] = [*breaks] if chosen.parts else [None, *breaks]
    began, bad = time.monotonic(), []
    warm_up()
    for job, found in tried(jobs, package, at_once=chosen.jobs):
        good, words = told(job, found)
        print(words, flush=True)
        bad += [] if good else [words]
    took = time.monotonic() - began
    print(f"\n{len(jobs) - len(bad)} of {len(jobs)} came out as they should, in {took:.0f} s", *bad, sep="\n")
    return NOT_CAUGHT if bad else CAUGHT


if __name__ == "__main__":
    sys.exit(main())
