"""A PHP portal behind the gateway, which finds its session in more places than the cookie."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Answer, Client, digest_sent, of_64_mib
from story import Portal

USER, PASSWORD = "root", "correct horse battery"
PROGRAM = shutil.which("php") or "php"
# Directories of their own, and the session also by a query argument or a field, as old portals have it.
SETTINGS = {
    "session.use_only_cookies": "0",
    "session.use_trans_sid": "1",
    "session.use_strict_mode": "1",
    "session.name": "portal_session",
    "session.cookie_httponly": "1",
    "memory_limit": "256M",
    "post_max_size": "80M",
    "upload_max_filesize": "80M",
    "error_reporting": "0",
}
PAGE = """<?php
if ($_SERVER["REQUEST_URI"] === "/public.txt") { echo "for all"; exit; }
session_start();
$path = parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH);
if ($path === "/login.php") {
    if (($_POST["username"] ?? "") === "root" && ($_POST["password"] ?? "") === "correct horse battery") {
        session_regenerate_id(true);
        $_SESSION["user"] = "root";
        header("Location: /account.php");
        exit;
    }
    echo "<form method=post><input name=username><input name=password></form>";
    exit;
}
if ($path === "/logout.php") { session_destroy(); header("Location: /login.php"); exit; }
if (!isset($_SESSION["user"])) { header("Location: /login.php"); exit; }
if ($path === "/password.php") { echo isset($_POST["password"], $_POST["new_password"]) ? "changed" : "no"; exit; }
$right = ($_POST["password"] ?? "") === "correct horse battery";
if ($path === "/confirm.php") { echo $right ? "confirmed" : "no"; exit; }
if ($path === "/upload.php") { echo hash("sha256", file_get_contents("php://input")); exit; }
echo "You are " . $_SESSION["user"];
"""


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    from wsgi_mfa import LoginForm
    from wsgi_mfa.gateway import Gateway

    (place / "sessions").mkdir()
    (place / "portal.php").write_text(PAGE)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    given = {**SETTINGS, "session.save_path": str(place / "sessions")}
    words = [word for name, value in given.items() for word in ("-d", f"{name}={value}")]
    server = subprocess.Popen(
        [PROGRAM, "-n", *words, "-S", f"127.0.0.1:{port}", str(place / "portal.php")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        form = LoginForm(
            "/login.php",
            "username",
            cookies=["portal_session"],
            succeeded=["status=302", "cookie=portal_session"],
            failed=["status=200"],
            sign_out=["/logout.php"],
        )
        yield (
            "by its form, through the gateway",
            _portal(Gateway(f"http://127.0.0.1:{port}"), form),
            "by_form",
        )
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("PHP's server does not start")


def _portal(application, identity) -> Portal:
    from wsgi_mfa import Person

    page = "/account.php"

    def shown(answer: Answer) -> bool:
        return "You are root" in answer.text

    def sign_in(browser: Client, password: str) -> Answer:
        browser.get("/login.php")
        return browser.post("/login.php", {"username": USER, "password": password})

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        browser = new()
        sign_in(browser, PASSWORD)
        session = browser.cookies.get("portal_session", "")
        for name in ("portal.session", "portal_session"):
            yield f"the cookie as {name}", shown(new().request("GET", page, cookie=f"{name}={session}"))
        yield "the session in the query", shown(new().get(f"{page}?portal_session={session}"))
        yield "the session in a form", shown(new().post(page, {"portal_session": session}))
        yield "under a name that PHP mends", shown(new().get(f"{page}?portal.session={session}"))

    def forms(browser: Client) -> Iterator[tuple[str, bool]]:
        changed = {"username": USER, "password": PASSWORD, "new_password": "x"}
        yield "a change of the password", browser.post("/password.php", changed).text == "changed"
        own = {"username": USER, "password": PASSWORD}
        yield "a confirmation of the password", browser.post("/confirm.php", own).text == "confirmed"

    return Portal(
        application=application,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page=page,
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.get("/logout.php"),
        static="/public.txt",
        attacks=attacks,
        forms=forms,
        large=lambda browser: digest_sent(browser.request("POST", "/upload.php", **of_64_mib())),
        settings={"sign_in_fields": "flask-login", "also_by": ["field portal_session"]},
    )
