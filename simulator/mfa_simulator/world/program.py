"""A program with an app password: it sends user name and password with each request, and keeps no cookies."""

from __future__ import annotations

from dataclasses import dataclass

from mfa_simulator.errors import RequestTimeoutError
from mfa_simulator.language.scenario import NetworkSpec
from mfa_simulator.world.browser import GONE
from mfa_simulator.world.calendar import PROPFIND, header_of
from mfa_simulator.world.http import ORIGIN, Request
from mfa_simulator.world.network import Network
from mfa_simulator.world.recorder import Recorder
from mfa_simulator.world.reply_reader import read_reply


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program of a user; ``app_password`` is what was typed into it behind the user's password."""

    name: str
    owner: str
    app_password: str

    def ask(self, network: Network, recorder: Recorder, path: str, *, password: str, address: str) -> str:
        """Send one request and return its outcome."""
        request = Request(
            method=PROPFIND,
            url=ORIGIN + path,
            headers=(
                ("Authorization", header_of(self.owner, password + self.app_password)),
                ("User-Agent", "a program"),
                ("Depth", "1"),
            ),
            client_address=address,
        )
        try:
            page_state = read_reply(network.send(request, NetworkSpec()))
        except RequestTimeoutError:
            page_state = GONE
        recorder.current.saw(page_state)
        return page_state.outcome
