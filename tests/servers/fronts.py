"""Real proxies: a certificate for localhost, and the command that serves a documented configuration."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATIENCE_SECONDS = 30
NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_max_body_size 8m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""
CADDY = "{{\n    admin off\n    auto_https disable_redirects\n    storage file_system {folder}/caddy\n}}\n{server}"
#: It asks the world for newer versions otherwise, and counts its users.
TRAEFIK = ["--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=WARN"]


def write_certificate(folder: Path) -> Path:
    """Write ``portal.pem``, a certificate for localhost, and ``portal.key``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "portal.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "portal.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return folder


def command_of(kind: str, program: str, folder: Path, port: int, server: str) -> list[str]:
    """Return the command that serves the configuration ``server``, which is written to ``folder``."""
    file, user = folder / "front.conf", "user root;" if os.geteuid() == 0 else ""
    if kind == "nginx":
        file.write_text(NGINX.format(user=user, folder=folder, server=server))
        return [program, "-p", str(folder), "-c", str(file)]
    if kind == "traefik":
        file = file.with_suffix(".yaml")
        file.write_text(server)
        command = [program, f"--providers.file.filename={file}"]
        return [*command, f"--entrypoints.websecure.address=127.0.0.1:{port}", *TRAEFIK]
    file.write_text(CADDY.format(folder=folder, server=server))
    return [program, "run", "--config", str(file), "--adapter", "caddyfile"]


def wait_until_it_answers(port: int, certificate: Path) -> None:
    """Wait for the certificate: Traefik listens before it has read its file."""
    context = ssl.create_default_context(cafile=str(certificate / "portal.pem"))
    until = time.monotonic() + PATIENCE_SECONDS
    while not _shows_certificate(port, context):
        assert time.monotonic() < until
        time.sleep(0.05)


def _shows_certificate(port: int, context: ssl.SSLContext) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
            context.wrap_socket(connection, server_hostname="localhost").close()
    except OSError:
        return False
    return True
