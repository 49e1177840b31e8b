"""The demo as its own process, Debian's Chromium in front of it, and a phone that shares no code with us.

The browser reads what a person reads: words, a screenshot of the QR code. The phone is two independent
programs: ``zxing-cpp`` for the camera and Debian's ``oathtool`` for the codes.
"""

from __future__ import annotations

import io
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # continuous integration runs as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
PERIOD_SECONDS = 30
#: What a slow machine may take to start the demo or to answer one click.
PATIENCE_SECONDS = 30.0
SIZES = {"desktop": {"width": 1280, "height": 800}, "narrow": {"width": 320, "height": 640}}
#: A picture that is taken at once may lack what the new look has not painted yet.
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(kw_only=True, slots=True)
class Demo:
    """A running ``wsgi-mfa demo``: what it printed, and the accounts that nobody has used yet."""

    command: str
    database: Path
    url: str
    accounts: list[tuple[str, str]]

    def take_account(self) -> tuple[str, str]:
        """A user and a password for one test alone."""
        return self.accounts.pop(0)

    def take_agent(self) -> tuple[str, str]:
        """A support agent of the demo, which lists them last."""
        return self.accounts.pop()

    def support_reset(self, user: str, *, email: str) -> subprocess.CompletedProcess[str]:
        """What the support desk types while the demo runs."""
        arguments = ["support", "reset", user, "--email", email, "--reason", "lost the phone"]
        return subprocess.run(
            [self.command, *arguments, "--database", str(self.database)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )


@dataclass(kw_only=True, slots=True)
class Phone:
    """An authenticator app with one key; it never shows a code twice, as its user would wait for the next."""

    oathtool: str
    key: str
    account: str = ""
    issuer: str = ""
    last_step: int = field(default=0)

    def code(self) -> str:
        """The present code, waiting for the next step where this step's code was read already."""
        while int(time.time()) // PERIOD_SECONDS <= self.last_step:
            time.sleep(0.2)
        now = int(time.time())
        self.last_step = now // PERIOD_SECONDS
        command = [self.oathtool, "--totp", "--base32", f"--now=@{now}", self.key]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo on a free port, with a database of its own: each module finds all accounts unused."""
    folder = tmp_path_factory.mktemp("demo")
    command = str(Path(sys.executable).with_name("wsgi-mfa"))
    arguments = ["demo", "--port", str(free_port()), "--database", str(folder / "demo.db")]
    process = subprocess.Popen(
        [command, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        said = said_until_serving(lines)
        yield Demo(
            command=command,
            database=Path(found(r"^database: (.+)$", said)[0]),
            url=found(r"^Client Portal: (http://\S+)$", said)[0],
            accounts=[
                (user, password) for user, password, _role in found(r"^account: (\S+) (\S+) (\S+)$", said)
            ],
        )
        assert process.poll() is None, "the demo ended by itself"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
    finally:
        process.kill()
        process.wait()
        reader.join(timeout=5)
        process.stdout.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def said_until_serving(lines: queue.Queue[str]) -> str:
    said = ""
    while "Client Portal: " not in said:
        line = lines.get(timeout=PATIENCE_SECONDS)
        assert line, f"the demo never said that it serves:\n{said}"
        said += line
    return said


def found(pattern: str, said: str) -> list[Any]:
    matches = re.findall(pattern, said, re.MULTILINE)
    assert matches, f"no line like {pattern} in:\n{said}"
    return matches


@pytest.fixture(scope="session")
def chromium(require_tool: Callable[[str], str], missing: Callable[[str], None]) -> Iterator[Any]:
    """Debian's Chromium, without a window."""
    path = require_tool("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the package playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium: Any, demo: Demo) -> Iterator[Callable[..., Any]]:
    """``open_browser(**options)``: a page of a new browser profile; options are those of ``new_context``.

    At the end nothing may have been asked of another site (R38), and no page may have broken a rule of its
    own content security policy or raised an error.
    """
    contexts, strangers, errors = [], [], []

    def note_request(request: Any) -> None:
        if not request.url.startswith((demo.url, "data:", "blob:")):
            strangers.append(request.url)

    def note_console(message: Any) -> None:
        # A refused code is answered 422, which Chromium reports as a failure to load.
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    def open_page(**options: Any) -> Any:
        context = chromium.new_context(locale="en-GB", **options)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        context.on("request", note_request)
        context.on("console", note_console)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert strangers == []
    assert errors == []


@pytest.fixture(scope="session")
def scan(require_tool: Callable[[str], str], missing: Callable[[str], None]) -> Callable[[Any], Phone]:
    """``scan(page)``: a phone that saw the QR code on a screenshot of the page."""
    oathtool = require_tool("oathtool")
    try:
        import zxingcpp
        from PIL import Image
    except ImportError:
        missing("the package zxing-cpp or pillow")

    def see(page: Any) -> Phone:
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        codes = zxingcpp.read_barcodes(picture)
        assert len(codes) == 1, f"{len(codes)} codes on the screenshot of {page.url}"
        uri = urlsplit(codes[0].text)
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        arguments = {name: values[0] for name, values in parse_qs(uri.query).items()}
        issuer, _, account = unquote(uri.path.removeprefix("/")).partition(":")
        assert arguments["issuer"] == issuer
        return Phone(oathtool=oathtool, key=arguments["secret"], account=account, issuer=issuer)

    return see


@pytest.fixture(scope="session")
def type_key(require_tool: Callable[[str], str]) -> Callable[[str], Phone]:
    """``type_key(key)``: a phone into which somebody typed the key by hand, spaces and all."""
    oathtool = require_tool("oathtool")
    return lambda key: Phone(oathtool=oathtool, key=key)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go, for a person to look at."""
    return tmp_path_factory.mktemp("pictures", numbered=False)


@pytest.fixture
def show(pictures: Path) -> Callable[[Any, str], None]:
    """``show(page, name)``: pictures of this page in all looks; nothing may scroll sideways."""

    def take(page: Any, name: str) -> None:
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.evaluate(TWO_FRAMES)
                page.screenshot(path=pictures / f"{name}-{size}-{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, size)

    return take
