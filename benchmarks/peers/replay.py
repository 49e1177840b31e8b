"""The middleware around the reference portal, for runners that know no virtual time.

They send the requests of the story one after another, and each is answered at the moment at which the story has it;
a new story begins in a world of its own. `STORY` names the scenario file, `INSTANTS` a JSON list of those moments.
"""

from __future__ import annotations

import atexit
import json
import os
from contextlib import ExitStack
from pathlib import Path

from mfa_simulator.language.parser import read_file
from mfa_simulator.play.simulated_world import World
from mfa_simulator.world.clocks import frozen_wall_clock
from mfa_simulator.world.worker import WATCH

[SCENARIO] = read_file(Path(os.environ["STORY"]))
INSTANTS = json.loads(Path(os.environ["INSTANTS"]).read_text())
FREEZE = ExitStack()
WALL = FREEZE.enter_context(frozen_wall_clock(SCENARIO.start))
atexit.register(FREEZE.close)


class Replay:
    """One application for all stories of a process; its middleware is asked directly, and no invariant judges."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, environ, start_response):
        place = self._count % len(INSTANTS)
        self._count += 1
        if place == 0:
            self._world = World(SCENARIO, WALL)
        self._world.time.wait_until(INSTANTS[place])
        WALL.show(INSTANTS[place])
        environ[WATCH] = []

        def without_cookies(status, headers, exc_info=None):
            # The requests carry the cookies that the story's browser had; a client that keeps some would send both.
            return start_response(status, [item for item in headers if item[0].lower() != "set-cookie"])

        with self._world.recorder.recording():
            return self._world.workers[0].application.middleware(environ, without_cookies)


REPLAY = Replay()


def application():
    """What a peer asks for the application with."""
    return REPLAY
