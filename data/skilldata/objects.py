"""The object store: write-once objects in S3. The only module that imports boto3.

Keys: `packages/<2 hex>/<64 hex>.zip`, the same under `withheld/` for what is not handed out,
`provenance/<2 hex>/<64 hex>/<origin>.json`, and `snapshots/<id>/…` with `snapshots/live.json`, the pointer.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from skilldata.config import S3Settings
from skilldata.errors import ConfigurationError, IntegrityError, NotFound, ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import VersioningConfigurationTypeDef

IMMUTABLE = "public, max-age=31536000, immutable"
PACKAGES = "packages/"
WITHHELD = "withheld/"
SHORT = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"


def package_key(package_digest: str) -> str:
    """Key of a package: `packages/ab/abcd….zip` for `sha256:abcd…`."""
    digest = package_digest.removeprefix("sha256:")
    return f"packages/{digest[:2]}/{digest}.zip"


def kept_key(package_digest: str) -> str:
    """Key of a package that is kept and not handed out; what is under `WITHHELD` must never be public."""
    return WITHHELD + package_key(package_digest)


def provenance_key(package_digest: str, repository_id: int, path: str) -> str:
    """Key of the statement that says where a package came from; the same package may come from several folders."""
    digest = package_digest.removeprefix("sha256:")
    folder = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"provenance/{digest[:2]}/{digest}/{repository_id}-{folder}.json"


class ObjectStore:
    """One bucket. Safe to share between threads.

    Args:
        settings: Where the bucket is and who asks.

    Raises:
        ConfigurationError: No endpoint or no credentials are set.
    """

    def __init__(self, settings: S3Settings) -> None:
        if settings.access_key_id is None or settings.secret_access_key is None:
            raise ConfigurationError(
                "no object store is configured: s3.access_key_id or s3.secret_access_key is empty",
                remedy="Run `skillregistry up` for an embedded one, or set the s3 settings and their credentials.",
            )
        self.bucket = settings.bucket
        self.puts = 0
        self.put_bytes = 0
        self._lock = threading.Lock()
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=settings.endpoint,
            region_name=settings.region,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key.get_secret_value(),
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if settings.force_path_style else "virtual"},
                max_pool_connections=32,
                connect_timeout=5,
                read_timeout=60,
                retries={"total_max_attempts": 3, "mode": "standard"},
            ),
        )

    def put_if_absent(self, key: str, data: bytes, *, content_type: str, cache_control: str = IMMUTABLE) -> bool:
        """Store an object under a key that never changes its content.

        Returns:
            True where it was written, False where the key was there already.
        """
        try:
            self._put(key, data, content_type, cache_control, IfNoneMatch="*")
        except _Present:
            return False
        return True

    def put(self, key: str, data: bytes, *, content_type: str, cache_control: str = SHORT) -> None:
        """Store an object, over an earlier one."""
        self._put(key, data, content_type, cache_control)

    def put_file(self, key: str, path: Path, *, content_type: str, cache_control: str = IMMUTABLE) -> None:
        """Store a file, in parts where it is large."""
        extra = {"ContentType": content_type, "CacheControl": cache_control}
        with self._asking(key):
            self._client.upload_file(str(path), self.bucket, key, ExtraArgs=extra)
        self._count(path.stat().st_size)

    def get_file(self, key: str, path: Path) -> None:
        """Read an object into a file.

        Raises:
            NotFound: There is none under that key.
        """
        with self._asking(key):
            self._client.download_file(self.bucket, key, str(path))

    def get(self, key: str) -> bytes:
        """Read an object.

        Raises:
            NotFound: There is none under that key.
        """
        with self._asking(key):
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def size(self, key: str) -> int | None:
        """Give the bytes of an object; None where there is none."""
        try:
            with self._asking(key):
                return self._client.head_object(Bucket=self.bucket, Key=key)["ContentLength"]
        except NotFound:
            return None

    def delete(self, key: str) -> None:
        """Delete an object, if it is there."""
        with self._asking(key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def package(self, package_digest: str) -> bytes:
        """Read a package that is handed out, and check its bytes.

        Raises:
            NotFound: It is not stored, or not handed out.
            IntegrityError: The stored bytes have another digest.
        """
        return self._checked(package_digest, self.get(package_key(package_digest)))

    def kept_package(self, package_digest: str) -> bytes:
        """Read a package, also one that is not handed out: for the registry itself. Raises as `package` does."""
        try:
            return self.package(package_digest)
        except NotFound:
            return self._checked(package_digest, self.get(kept_key(package_digest)))

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every object under a prefix, in the order of keys."""
        with self._asking(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    yield found.get("Key", ""), found.get("Size", 0)

    def ready(self) -> None:
        """Ask for the bucket.

        Raises:
            ServiceUnavailable: The store does not answer, or the bucket is not there.
        """
        try:
            with self._asking(""):
                self._client.head_bucket(Bucket=self.bucket)
        except NotFound:
            raise ServiceUnavailable(
                f"the object store has no bucket {self.bucket}", remedy="Make it, or set SKILLREGISTRY_S3__BUCKET."
            ) from None

    def make_bucket(self) -> bool:
        """Make the bucket where it is not there, one that keeps earlier versions; give whether it was made.

        Raises:
            ServiceUnavailable: The store does not answer, or does not let us.
        """
        with suppress(NotFound), self._asking(""):
            self._client.head_bucket(Bucket=self.bucket)
            return False
        try:
            with self._asking(""):
                self._client.create_bucket(Bucket=self.bucket)
                enabled: VersioningConfigurationTypeDef = {"Status": "Enabled"}
                self._client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration=enabled)
        except _Present:
            return False  # another process was faster
        return True

    def versioned(self) -> bool:
        """Tell whether the bucket keeps earlier versions of what is overwritten or deleted."""
        with self._asking(""):
            return self._client.get_bucket_versioning(Bucket=self.bucket).get("Status") == "Enabled"

    def _checked(self, package_digest: str, data: bytes) -> bytes:
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != package_digest:
            raise IntegrityError(f"stored package {package_digest} has other bytes", remedy="Run `skillregistry fsck`.")
        return data

    def _put(self, key: str, data: bytes, content_type: str, cache_control: str, **conditions: Any) -> None:
        with self._asking(key):
            self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType=content_type,
                CacheControl=cache_control,
                ChecksumAlgorithm="SHA256",
                **conditions,
            )
        self._count(len(data))

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        """Turn what the store answers, or does not, into the registry's own errors."""
        try:
            yield
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            status = _status(error) if isinstance(error, ClientError) else 0
            if status == 404:
                raise NotFound(f"no object {key} in bucket {self.bucket}") from None
            if status in {409, 412}:
                raise _Present from None
            raise ServiceUnavailable(
                f"the object store cannot serve bucket {self.bucket}: {error}",
                remedy="Run `skillregistry status`, then `skillregistry up`.",
            ) from error

    def _count(self, size: int) -> None:
        with self._lock:
            self.puts += 1
            self.put_bytes += size


class _Present(Exception):
    """The key was there already."""


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
