"""Checking bytes against the signed metadata, as any TUF client can: python-tuf's `ngclient` does the work.

The root that comes with the client is where trust begins; later roots are followed from there. What a package is
served from, a bucket, a mirror or a friend, does not matter.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from securesystemslib.signer import Key
from tuf.api.exceptions import DownloadError, DownloadLengthMismatchError, LengthOrHashMismatchError, RepositoryError
from tuf.api.metadata import Metadata, Root, TargetFile
from tuf.ngclient import FetcherInterface, Updater

from skilldata.errors import IntegrityError, NotFound, ServiceUnavailable, TrustError
from skilldata.trust import roles
from skilldata.trust.repository import VouchedFile

METADATA_PATH = "tuf/"


class TrustClient:
    """Holds a trusted root and the newest metadata it leads to.

    Args:
        folder: Where metadata is kept between runs, so that nobody can show an older one again.
        base_url: Public address of the registry, with `tuf/` below it.
        root: The root to begin with, where the folder has none yet.
        fetcher: Asks for files; python-tuf's own by default.

    Raises:
        TrustError: There is no root to begin with.
    """

    def __init__(
        self, folder: Path, base_url: str, *, root: bytes | None = None, fetcher: FetcherInterface | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._base_url = base_url.rstrip("/") + "/"
        if root is None and not (folder / "root.json").exists():
            raise TrustError("there is no root to trust", remedy="Name one with --root, from a place that you trust.")
        self._folder = folder
        with _checking(self._base_url):
            self._updater = Updater(
                str(folder),
                self._base_url + METADATA_PATH,
                fetcher=fetcher,
                bootstrap=None if (folder / "root.json").exists() else root,
            )

    def look_up(self, path: str) -> VouchedFile:
        """Look a path up.

        Raises:
            NotFound: The metadata does not vouch for it.
            TrustError: The metadata is forged, too old or older than what was seen before.
            ServiceUnavailable: It cannot be had.
        """
        info = self._info(path)
        return VouchedFile(path, info.length, info.hashes["sha256"])

    def verify(self, path: str, data: bytes) -> VouchedFile:
        """Check bytes from anywhere.

        Raises:
            IntegrityError: They are other bytes than the registry published under this path.
            RegistryError: As `look_up` does.
        """
        info = self._info(path)
        try:
            info.verify_length_and_hashes(data)
        except LengthOrHashMismatchError:
            raise IntegrityError(
                f"{path} has other bytes than the registry published", remedy="Do not use them; fetch them again."
            ) from None
        return VouchedFile(path, info.length, info.hashes["sha256"])

    def document(self, path: str) -> bytes:
        """Read a document of which there is a new one from time to time: the one that the newest metadata names.

        It is asked for by the name that TUF's consistent snapshots give it, its digest before its own name.

        Raises:
            RegistryError: As `look_up` does.
        """
        info = self._info(path)
        with _checking(self._base_url), tempfile.TemporaryDirectory() as folder:
            file = self._updater.download_target(info, str(Path(folder) / "document"), self._base_url)
            return Path(file).read_bytes()

    def online_keys(self) -> list[Key]:
        """Give the public keys that sign what is published, as the trusted root names them."""
        with _checking(self._base_url):
            self._updater.get_targetinfo("root")  # any look-up brings the root up to date
        root: Metadata[Root] = Metadata.from_bytes((self._folder / "root.json").read_bytes())
        return [root.signed.keys[keyid] for keyid in root.signed.roles[roles.TIMESTAMP].keyids]

    def _info(self, path: str) -> TargetFile:
        with _checking(self._base_url):
            info = self._updater.get_targetinfo(path)
        if info is None:
            raise NotFound(
                f"the registry does not vouch for {path}",
                remedy="It was never published, or was taken back. Do not use it.",
            )
        return info


@contextmanager
def _checking(base_url: str) -> Iterator[None]:
    try:
        yield
    except (DownloadLengthMismatchError, RepositoryError) as error:
        raise TrustError(
            f"the metadata of {base_url} is not to be trusted: {error}",
            remedy="Use nothing from there now. Tell the registry's maintainers if it lasts for more than an hour.",
        ) from None
    except DownloadError as error:
        raise ServiceUnavailable(
            f"the metadata of {base_url} cannot be had: {error}", remedy="Check the address, or try again later."
        ) from None
