"""Change the middleware in places drawn by chance, and count how many changes stories and random lives notice.

    python tests/sabotage/mutate.py [--count 38] [--seed 1] [--for 600] [-j 2]

Each mutant is played in a process of its own: first the catalogue of stories, up to the first that fails, and if none
does, random lives for so many seconds. What the lives find is written as a scenario file, and the unchanged middleware
must pass it; else it would be a false alarm. Some mutants change nothing that anybody could see: nobody notices them.

Ends with 0 when at least ``--least`` were noticed, 1 when fewer were or a finding was a false alarm.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from breaks import package_folder
from mutants import Mutant, chosen, sites
from play import Finder, Verdict, verdict, warm_up

CATALOGUE_SECONDS = 900  # for the whole catalogue on a machine that has much else to do
FEW, ENOUGH = 1, 0
FINDINGS_MAX = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Noticed:
    """What noticed a mutant, ``stories`` or ``lives``, how, and the scenario files of what lives found."""

    by: str
    what: str
    seconds: float
    texts: tuple[str, ...] = ()


def _work(pipe: Connection, mutant: Mutant, package: Path, seconds: float, *, stories: bool) -> None:
    began = time.monotonic()
    try:
        if stories:
            found: Verdict = verdict(mutant, package)
            if found.caught is not None:
                took = time.monotonic() - began
                pipe.send(Noticed(by="stories", what=str(found.caught), seconds=took))
                return
        else:
            sys.meta_path.insert(0, Finder(mutant, package))
        pipe.send(_explored(seconds))
    except Exception:  # noqa: BLE001 - a middleware that cannot even be imported is noticed by all
        what = traceback.format_exc().strip().splitlines()[-1]
        pipe.send(Noticed(by="stories", what=what, seconds=time.monotonic() - began))
    finally:
        pipe.close()


def _explored(seconds: float) -> Noticed | None:
    from mfa_simulator.explore.findings import text_of_finding
    from mfa_simulator.explore.hunt import Hunt, for_seconds, hunt
    from mfa_simulator.explore.life import Stage
    from mfa_simulator.language.scenario import START
    from mfa_simulator.world.clocks import frozen_wall_clock, real_now

    began, run, found = real_now(), Hunt(seed=1), dict[str, str]()
    with frozen_wall_clock(START) as wall:
        # The first one may be a false alarm, which only the unchanged middleware can tell.
        for finding in islice(hunt(Stage(wall), run, goes_on=for_seconds(seconds)), FINDINGS_MAX):
            what = f"life {run.lives}: {finding.trouble.invariant}: {finding.trouble.seen}"
            found[what] = text_of_finding(finding.trouble, finding.plot, found_by="explore")
    if found:
        what = "; ".join(found)
        return Noticed(by="lives", what=what, seconds=real_now() - began, texts=tuple(found.values()))
    return None


def tried(
    mutants: Sequence[Mutant], package: Path, *, at_once: int, seconds: float, stories: bool
) -> Iterator[tuple[Mutant, Noticed | None]]:
    """Yield each mutant with what noticed it, as they come."""
    context = multiprocessing.get_context("fork")
    waiting, running = list(mutants), dict[Connection, tuple[Mutant, Any, float]]()
    patience = CATALOGUE_SECONDS + 2 * seconds
    while waiting or running:
        while waiting and len(running) < at_once:
            mutant = waiting.pop(0)
            ours, theirs = context.Pipe(duplex=False)
            arguments = (theirs, mutant, package, seconds)
            process = context.Process(target=_work, args=arguments, kwargs={"stories": stories})
            process.start()
            theirs.close()
            running[ours] = mutant, process, time.monotonic()
        heard = wait(list(running), timeout=1)
        for ours, (mutant, process, began) in list(running.items()):
            if ours in heard:
                try:
                    found = ours.recv()
                except EOFError:
                    found = Noticed(by="stories", what="the process ended", seconds=0)
            elif time.monotonic() - began > patience:
                process.kill()
                found = Noticed(by="stories", what="it never comes to an end", seconds=patience)
            else:
                continue
            process.join()
            del running[ours]
            yield mutant, found


def false_alarms(found: Noticed) -> int:
    """Return how many of the scenario files the unchanged middleware fails, too.

    They are played in a process of its own: what this one imports, the processes of later mutants would have imported.
    """
    if not found.texts:
        return 0
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return sum(pool.map(_fails, found.texts))


def _fails(text: str) -> bool:
    from mfa_simulator.language.parser import parse
    from mfa_simulator.language.scenario import START
    from mfa_simulator.play.running import play
    from mfa_simulator.world.clocks import frozen_wall_clock

    with frozen_wall_clock(START) as wall:
        return any(play(scenario, wall).failed for scenario in parse(text, file="finding"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--count", type=int, default=38, help="so many mutants")
    parser.add_argument("--seed", type=int, default=1, help="which are drawn")
    parser.add_argument("--for", dest="seconds", type=float, default=600, help="seconds of lives for each")
    parser.add_argument("--least", type=int, default=30, help="so many must be noticed")
    parser.add_argument("--lives-only", action="store_true", help="leave out the stories")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="so many at once")
    options = parser.parse_args(arguments)
    package, noticed, alarms = package_folder(), 0, list[str]()
    mutants = chosen(package, seed=options.seed, count=options.count)
    print(f"{len(mutants)} of {len(sites(package))} mutants, drawn by seed {options.seed}", flush=True)
    warm_up()
    jobs = tried(
        mutants, package, at_once=options.jobs, seconds=options.seconds, stories=not options.lives_only
    )
    for mutant, found in jobs:
        wrong = false_alarms(found) if found is not None else 0
        if wrong:
            alarms.append(mutant.name)
            print(f"             {wrong} FALSE ALARMS: the unchanged middleware fails them, too", flush=True)
        if found is None or (found.texts and wrong == len(found.texts)):
            print(f"NOT NOTICED  {mutant.name}", flush=True)
            continue
        noticed += 1
        print(f"{found.by:<11}  {mutant.name}\n             {found.what} ({found.seconds:.0f} s)", flush=True)

    print(f"\n{noticed} of {len(mutants)} noticed, {len(alarms)} false alarms")
    return FEW if noticed < options.least or alarms else ENOUGH


if __name__ == "__main__":
    sys.exit(main())
