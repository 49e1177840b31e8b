"""A program that signs in at the portal as people do, and answers the middleware's challenges by JSON."""

from __future__ import annotations

import json
from typing import Any

from mfa_simulator.world.browser import Browser
from mfa_simulator.world.reply_reader import MOUNT_PATH

ACCEPT = {"Accept": "application/json"}
SEND = {**ACCEPT, "Content-Type": "application/json"}


class JsonClient(Browser):
    """A client that reads no page of the middleware: where one begins, it goes on by itself."""

    def ask(self, page: str) -> str:
        """Ask for one of the middleware's pages as JSON; give the outcome."""
        return self.send_raw("GET", MOUNT_PATH + page, ACCEPT, "")

    def answer(self, page: str, **members: object) -> str:
        """Send members to one of the middleware's pages; give the outcome."""
        return self.send_raw("POST", MOUNT_PATH + page, SEND, json.dumps(members))

    def told(self, name: str) -> str | None:
        """Give one text of the last reply; None when it has none of that name."""
        text = self.page_state.response.text if self.page_state is not None else ""
        members: Any = json.loads(text) if text.startswith("{") else {}
        value = members.get(name)
        return value if isinstance(value, str) else None

    def _follows(self, target: str) -> bool:
        return not target.startswith(MOUNT_PATH)
