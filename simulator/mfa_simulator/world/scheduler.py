"""Several people at once: each acts in a thread of its own, one thread runs at a time, and the seed says which.

Threads change only where something is waited for: at a call of the store, and while true time passes. So every
interleaving that a real server could show at its store can come up here, and the same seed shows the same one.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mfa_simulator.errors import StepError
from mfa_simulator.world.clocks import TrueTime
from mfa_simulator.world.entropy import SeededEntropy

STUCK_SECONDS = 30


@dataclass(kw_only=True, slots=True)
class _Task:
    """One who acts; `wakes_at` is the instant from which the member may go on."""

    wakes_at: int
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    done: bool = False
    error: BaseException | None = None


class Scheduler:
    """Lets tasks run side by side in virtual time."""

    def __init__(self, time: TrueTime, chance: SeededEntropy) -> None:
        self._time = time
        self._chance = chance
        self._members: dict[int, _Task] = {}
        self._yielded = threading.Semaphore(0)

    def pause(self) -> None:
        """Let others act before the caller goes on; outside of a crowd nothing happens."""
        self.sleep_until(self._time.now())

    def sleep_until(self, at: int) -> bool:
        """Let others act until an instant; False when the caller is not in the crowd and has to wait by itself."""
        member = self._members.get(threading.get_ident()) if self._members else None
        if member is None:
            return False
        member.wakes_at = at
        self._yielded.release()
        member.turn.acquire()
        return True

    def run(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run tasks to their end; the first error that one of them raised is raised when all have ended."""
        if threading.get_ident() in self._members:
            raise StepError("somebody who acts at the same time as others cannot be a crowd")
        members = [_Task(wakes_at=self._time.now()) for _ in tasks]
        for member, task in zip(members, tasks, strict=True):
            context = contextvars.copy_context()
            # A daemon, so that a thread that is stuck does not keep the process alive.
            threading.Thread(target=context.run, args=(self._act, member, task), daemon=True).start()
            self._hand_over()
        while waiting := [member for member in members if not member.done]:
            self._time.wait_until(min(member.wakes_at for member in waiting))
            ready = [member for member in waiting if member.wakes_at <= self._time.now()]
            ready[self._chance.below(len(ready))].turn.release()
            self._hand_over()
        for member in members:
            if member.error is not None:
                raise member.error

    def _hand_over(self) -> None:
        if not self._yielded.acquire(timeout=STUCK_SECONDS):
            raise StepError(
                "the middleware holds a lock over a call of its store, and so stops everybody else"
            )

    def _act(self, member: _Task, task: Callable[[], object]) -> None:
        self._members[threading.get_ident()] = member
        try:
            self.pause()
            task()
        except Exception as error:  # noqa: BLE001  # handed to the thread that runs the crowd
            member.error = error
        finally:
            del self._members[threading.get_ident()]
            member.done = True
            self._yielded.release()
