"""The records service: a real FHIR R4 server (sekmet) behind a real TLS front
(nginx) that demands client certificates.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import yaml

from .pki import Identity, Pki
from .waiting import free_port, listening, wait_until

WEAK_OPENSSL = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = weak
[weak]
CipherString = DEFAULT:@SECLEVEL=0
"""

NGINX_CONF = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log info;
events {{ worker_connections 256; }}
http {{
    log_format bench '$msec $status $request_method $uri proto=$server_protocol tls=$ssl_protocol \
verify=$ssl_client_verify bytes=$request_length';
    access_log {directory}/nginx-access.log bench;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 32m;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_protocols {protocols};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_client_certificate {authority};
        ssl_verify_client on;
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_set_header Host $http_host;
            proxy_read_timeout 60s;
        }}
    }}
}}
"""


class RecordsServer:
    """One FHIR server with its own database file, and one nginx in front of it; both on ports of their own.

    ``identity`` and ``protocols`` choose what the TLS front presents, for the tests in which it is the wrong thing.
    """

    def __init__(self, directory: Path, pki: Pki, identity: Identity | None = None, protocols: str = "TLSv1.3") -> None:
        self.directory = directory
        self.pki = pki
        self.identity = identity or pki.server
        self.protocols = protocols
        self.port = free_port()
        self.upstream_port = free_port()
        self._sekmet: subprocess.Popen | None = None
        self._nginx: subprocess.Popen | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self._write_settings()

    @property
    def base_url(self) -> str:
        """What the unit is told: the FHIR base behind mutual TLS."""
        return f"https://127.0.0.1:{self.port}/fhir"

    @property
    def direct_url(self) -> str:
        """The same store without TLS, for the test's own reading."""
        return f"http://127.0.0.1:{self.upstream_port}/fhir"

    def _write_settings(self) -> None:
        settings = {
            "base_url": self.base_url,
            "host": "127.0.0.1",
            "port": self.upstream_port,
            "data_dir": str(self.directory / "data"),
            "db_path": str(self.directory / "sekmet.db"),
            "own_private_key_path": str(self.directory / "sekmet_private.pem"),
            "validation": {"inbound": "strict"},
            "simulator": {"enabled": False},
            "log_inbound": False,
        }
        (self.directory / "settings.yaml").write_text(yaml.safe_dump(settings))

    def start(self) -> "RecordsServer":
        """Start what is not running and wait until it answers."""
        self.start_store()
        self.start_front()
        return self

    def start_store(self) -> None:
        """Start the FHIR server alone."""
        if self._sekmet is not None:
            return
        command = [str(Path(sys.executable).with_name("sekmet")), "serve"]
        environment = {**os.environ, "SEKMET_CONFIG": str(self.directory / "settings.yaml")}
        with open(self.directory / "sekmet.log", "ab") as log:
            self._sekmet = subprocess.Popen(command, cwd=self.directory, env=environment, stdout=log, stderr=log)
        wait_until(self._store_answers, 40, "the FHIR server to answer /metadata", every=0.2)

    def _store_answers(self) -> bool:
        if self._sekmet is not None and self._sekmet.poll() is not None:
            raise RuntimeError("sekmet ended: " + (self.directory / "sekmet.log").read_text()[-2000:])
        try:
            return httpx.get(f"{self.direct_url}/metadata", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def start_front(self) -> None:
        """Start nginx alone."""
        if self._nginx is not None:
            return
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        (self.directory / "nginx.conf").write_text(
            NGINX_CONF.format(
                directory=self.directory, port=self.port, upstream=self.upstream_port, protocols=self.protocols,
                certificate=self.identity.certificate, key=self.identity.key, authority=self.pki.authority.certificate,
            )
        )
        # A front with a weak key must start all the same: it is the unit that is to refuse it.
        (self.directory / "openssl.cnf").write_text(WEAK_OPENSSL)
        environment = {**os.environ, "OPENSSL_CONF": str(self.directory / "openssl.cnf")}
        with open(self.directory / "nginx.out", "ab") as log:
            self._nginx = subprocess.Popen(
                [nginx, "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")], stdout=log, stderr=log,
                env=environment,
            )
        try:
            wait_until(lambda: listening(self.port), 10, "nginx to listen")
        except AssertionError as error:
            raise RuntimeError("nginx did not start: " + (self.directory / "nginx.out").read_text()[-2000:]) from error

    def stop_front(self) -> None:
        """Take the TLS front away: connections are refused, the store keeps what it has."""
        self._nginx = _end(self._nginx)

    def stop(self) -> None:
        """Stop both."""
        self.stop_front()
        self._sekmet = _end(self._sekmet)

    def access_log(self) -> list[str]:
        """The lines nginx logged: status, method, TLS version, result of the client's verification."""
        path = self.directory / "nginx-access.log"
        return path.read_text().splitlines() if path.exists() else []

    def all(self, resource_type: str) -> list[dict]:
        """Every resource of a type, read page by page from the store."""
        resources: list[dict] = []
        with httpx.Client(timeout=30) as client:
            while True:
                reply = client.get(
                    f"{self.direct_url}/{resource_type}",
                    params={"_count": "200", "_offset": str(len(resources)), "_sort": "_id"},
                )
                reply.raise_for_status()
                entries = reply.json().get("entry", [])
                if not entries:
                    break
                resources += [entry["resource"] for entry in entries]
        # While the host delivers, a resource can move from one page to the next: an id is one resource,
        # however often it is read.
        return list({resource["id"]: resource for resource in resources}.values())

    def count(self, resource_type: str) -> int:
        """How many resources of a type the store holds."""
        reply = httpx.get(f"{self.direct_url}/{resource_type}", params={"_summary": "count"}, timeout=30)
        reply.raise_for_status()
        return reply.json()["total"]

    def wait_for_quiet(self, resource_type: str, quiet: float, timeout: float) -> int:
        """Wait until the number of resources has not changed for ``quiet`` seconds; gives that number."""
        deadline = time.monotonic() + timeout
        seen, since = -1, time.monotonic()
        while time.monotonic() < deadline:
            now = self.count(resource_type)
            if now != seen:
                seen, since = now, time.monotonic()
            elif now > 0 and time.monotonic() - since >= quiet:
                return now
            time.sleep(0.3)
        raise AssertionError(f"after {timeout:g} s the number of {resource_type} resources still changes (now {seen})")


def _end(process: subprocess.Popen | None) -> None:
    if process is None:
        return None
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    return None
