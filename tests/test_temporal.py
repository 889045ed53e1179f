"""A Temporal server behind TLS, one that wants our certificate, and one that wants a key; Caddy stands in front."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from skillapi.asking import TemporalCrawler
from skillapi.problems import Problem
from skillcli.doctor import Finding, State, production, services
from skillcrawler.worker import connect
from skilldata.config import Settings, TemporalSettings, load_settings
from skilldata.errors import ConfigurationError, ServiceUnavailable
from skilldata.ondemand import Delivery
from tests.ports import free_port
from tests.waiting import wait_until

API_KEY = "key-of-temporal-cloud"
NAME = "temporal.example"
CADDYFILE = """
{{
	admin off
	auto_https off
	skip_install_trust
}}
https://{NAME}:{cluster} {{
	tls {folder}/server.pem {folder}/server.key {{
		client_auth {{
			mode require_and_verify
			trust_pool file {folder}/root.pem
		}}
	}}
	reverse_proxy h2c://{server}
}}
https://{NAME}:{cloud} {{
	tls {folder}/server.pem {folder}/server.key
	@unknown not header Authorization "Bearer {API_KEY}"
	respond @unknown 401
	reverse_proxy h2c://{server}
}}
"""


class Front:
    """A proxy that wants a certificate of `root`, and one that wants the key."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.cluster, self.cloud = folder, free_port(), free_port()
        issuer = make_certificate(folder, "root", None, days=30)
        make_certificate(folder, "server", issuer, days=30)
        make_certificate(folder, "client", issuer, days=3)
        places: dict[str, Any] = {"NAME": NAME, "API_KEY": API_KEY, "folder": folder, "server": server}
        text = CADDYFILE.format(cluster=self.cluster, cloud=self.cloud, **places)
        (folder / "Caddyfile").write_text(text)

    def settings(self, port: int, **more: Any) -> TemporalSettings:
        """Settings that trust the proxy's certificate."""
        named = {"server_url": f"127.0.0.1:{port}", "tls_root": self.text("root.pem"), "tls_name": NAME}
        return TemporalSettings(**{**named, **more})

    def text(self, name: str) -> str:
        """Read a file of a certificate or key."""
        return (self.folder / name).read_text()

    def ours(self) -> dict[str, Any]:
        """Our certificate and its key."""
        return {"tls_certificate": self.text("client.pem"), "tls_private_key": SecretStr(self.text("client.key"))}


@pytest.fixture(scope="module")
def front(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    server = load_settings(environment={"SKILLREGISTRY_STATE_DIRECTORY": str(embedded)}).temporal.server_url
    made = Front(tmp_path_factory.mktemp("front"), str(server))
    program = Path(sys.executable).with_name("caddy")
    command: list[str | Path] = [program, "run", "--adapter", "caddyfile", "--config", made.folder / "Caddyfile"]
    with (made.folder / "log").open("wb") as log:
        caddy = subprocess.Popen(command, stderr=log, env={"HOME": str(made.folder)})
    try:
        wait_until(lambda: "serving initial configuration" in made.text("log"), 30)
        yield made
    finally:
        caddy.terminate()
        caddy.wait()


def make_certificate(folder: Path, name: str, issuer: Any, *, days: int) -> Any:
    """Write a key and a certificate for it; gives both, for it to sign others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signer = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(by, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.key").write_bytes(private)
    return certificate, key


def test_a_cluster_knows_us_by_our_certificate(front: Front) -> None:
    asyncio.run(connect(front.settings(front.cluster, **front.ours())))
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        asyncio.run(connect(front.settings(front.cluster)))


def test_temporal_cloud_knows_us_by_a_key(front: Front) -> None:
    asyncio.run(connect(front.settings(front.cloud, api_key=SecretStr(API_KEY))))
    for other in (None, SecretStr("another")):
        with pytest.raises(ServiceUnavailable, match="does not answer"):
            asyncio.run(connect(front.settings(front.cloud, api_key=other)))


def test_a_server_whose_certificate_is_not_known_is_given_nothing(front: Front) -> None:
    stranger = front.settings(front.cloud, api_key=SecretStr(API_KEY), tls_root=None)
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        asyncio.run(connect(stranger))


def test_the_api_asks_over_the_same_connection(front: Front) -> None:
    delivery = Delivery(delivery=uuid.uuid4().hex, event="ping", repositories=())
    assert asyncio.run(TemporalCrawler(front.settings(front.cluster, **front.ours())).deliver(delivery))
    with pytest.raises(Problem):
        asyncio.run(TemporalCrawler(front.settings(front.cluster)).deliver(delivery))


def test_the_doctor_tells_of_the_connection_and_of_a_certificate_that_ends(front: Front, tmp_path: Path) -> None:
    ours = Settings(state_directory=tmp_path, temporal=front.settings(front.cluster, **front.ours()))
    found = {one.what: one for one in services.check_temporal(ours)}
    assert "; encrypted" in found["temporal"].result
    assert found["temporal certificate"].state is State.WARN
    assert "TLS to Temporal" in _well(production.check_settings(ours))


def test_the_checklist_fails_on_a_cluster_without_tls(tmp_path: Path) -> None:
    far = Settings(state_directory=tmp_path, temporal=TemporalSettings(server_url="temporal.internal:7233"))
    assert "TLS to Temporal" not in _well(production.check_settings(far))
    far = Settings(
        state_directory=tmp_path,
        temporal=TemporalSettings(server_url="ns.acct.tmprl.cloud:7233", api_key=SecretStr("k" * 40)),
    )
    assert "TLS to Temporal" in _well(production.check_settings(far))


def test_certificate_and_key_come_from_files_and_belong_together(front: Front) -> None:
    variables = {"SKILLREGISTRY_TEMPORAL__TLS_CERTIFICATE_FILE": str(front.folder / "client.pem")}
    half = load_settings(environment={**variables, "SKILLREGISTRY_TEMPORAL__SERVER_URL": "127.0.0.1:1"}).temporal
    assert half.encrypted
    with pytest.raises(ConfigurationError, match="belong together"):
        asyncio.run(connect(half))


def _well(findings: Iterator[Finding]) -> set[str]:
    return {one.what for one in findings if one.state is State.OK}
