"""Signed metadata: what clients accept, what they refuse, and how keys change under them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from skilldata.errors import IntegrityError, NotFound, TrustError
from skilldata.trust import TrustRepository
from skilldata.trust.ceremony import KeyRole, Keys, add_signature, make_root, rotate
from skilldata.trust.client import TrustClient
from skilldata.trust.keys import make_key, read_key
from skilldata.trust.metadata import FolderMetadata
from skilldata.trust.repository import VouchedFile

NOW = datetime.now(UTC)
PACKAGES = {f"packages/{n:02d}/{n:064d}.zip": f"package {n}".encode() for n in range(40)}


def targets(packages: dict[str, bytes]) -> list[VouchedFile]:
    return [VouchedFile(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in packages.items()]


class Registry:
    """A published registry in a folder, with all its keys."""

    earlier_timestamp = b""

    def __init__(self, folder: Path) -> None:
        self.public = folder / "public"
        self.metadata = self.public / "tuf"
        self.keys = folder / "keys"
        make_root(self.metadata, self.keys, NOW, bits=4, root_keys=2)
        self.first_root = (self.metadata / "1.root.json").read_bytes()
        self.online = self.key("online")
        self.publish(PACKAGES)

    def key(self, name: str) -> CryptoSigner:
        return read_key(self.keys / f"{name}.pem")

    def repository(self) -> TrustRepository:
        return TrustRepository(FolderMetadata(self.metadata), self.online)

    def publish(self, packages: dict[str, bytes], now: datetime = NOW) -> None:
        self.repository().update(targets(packages), now)

    def offline(self) -> Keys:
        return Keys([self.key("root-1")], self.key("targets"))


class FolderFetcher(FetcherInterface):
    """Serves a folder, as a web server would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix("https://registry.invalid/")
        self.requests.append(name)
        path = self.folder / name
        if not path.is_file():
            raise DownloadHTTPError(f"no {name}", 404)
        yield path.read_bytes()


@pytest.fixture
def published(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def client_folder(tmp_path: Path) -> Path:
    return tmp_path / "client"


def client(registry: Registry, folder: Path) -> TrustClient:
    return TrustClient(
        folder, "https://registry.invalid", root=registry.first_root, fetcher=FolderFetcher(registry.public)
    )


def test_every_package_is_vouched_for(published: Registry, client_folder: Path) -> None:
    here = client(published, client_folder)
    for path, data in PACKAGES.items():
        assert here.verify(path, data).sha256 == hashlib.sha256(data).hexdigest()


def test_a_file_that_was_never_published_is_refused(published: Registry, client_folder: Path) -> None:
    with pytest.raises(NotFound, match="does not vouch"):
        client(published, client_folder).verify("packages/99/x.zip", b"")


def test_a_package_that_is_no_longer_published_is_refused(published: Registry, client_folder: Path) -> None:
    path, data = next(iter(PACKAGES.items()))
    client(published, client_folder).verify(path, data)
    published.publish({name: content for name, content in PACKAGES.items() if name != path})
    with pytest.raises(NotFound):
        client(published, client_folder).verify(path, data)


@pytest.mark.parametrize("data", [b"package X", b"package 0 and more", b"", b"package"])
def test_other_bytes_are_refused(published: Registry, client_folder: Path, data: bytes) -> None:
    with pytest.raises(IntegrityError, match="other bytes"):
        client(published, client_folder).verify(next(iter(PACKAGES)), data)


def replace_signed(path: Path, **values: object) -> None:
    content = json.loads(path.read_bytes())
    content["signed"].update(values)
    path.write_bytes(json.dumps(content).encode())


def in_a_year(metadata: Path) -> None:
    replace_signed(metadata / "timestamp.json", expires="2099-01-01T00:00:00Z")


def other_snapshot(metadata: Path) -> None:
    snapshot = max(metadata.glob("*.snapshot.json"))
    replace_signed(snapshot, meta={})


def truncated(metadata: Path) -> None:
    path = metadata / "timestamp.json"
    path.write_bytes(path.read_bytes()[:-20])


def oversize(metadata: Path) -> None:
    path = metadata / "timestamp.json"
    path.write_bytes(path.read_bytes() + b" " * 20_000)


def signed_by_another(metadata: Path) -> None:
    (metadata / "timestamp.json").unlink()
    other = Registry(metadata.parent.parent / "other")
    (metadata / "timestamp.json").write_bytes((other.metadata / "timestamp.json").read_bytes())


@pytest.mark.parametrize("tamper", [in_a_year, other_snapshot, truncated, oversize, signed_by_another])
def test_tampered_metadata_is_refused(published: Registry, client_folder: Path, tamper: Callable[[Path], None]) -> None:
    tamper(published.metadata)
    with pytest.raises(TrustError, match="not to be trusted"):
        client(published, client_folder).look_up(next(iter(PACKAGES)))


def test_bins_under_each_others_names_hide_packages_and_forge_none(published: Registry, client_folder: Path) -> None:
    bins = sorted(published.metadata.glob("*.bin-*.json"))
    contents = [path.read_bytes() for path in bins]
    for path, content in zip(bins, [*contents[1:], contents[0]], strict=True):
        path.write_bytes(content)
    for path_of_package in PACKAGES:
        with pytest.raises(NotFound):
            client(published, client_folder).look_up(path_of_package)


def test_an_older_timestamp_is_refused(published: Registry, client_folder: Path) -> None:
    old = (published.metadata / "timestamp.json").read_bytes()
    published.publish({**PACKAGES, "packages/99/new.zip": b"new"})
    client(published, client_folder).verify("packages/99/new.zip", b"new")
    (published.metadata / "timestamp.json").write_bytes(old)
    with pytest.raises(TrustError, match="not to be trusted"):
        client(published, client_folder).look_up("packages/99/new.zip")


def test_metadata_that_is_out_of_date_is_refused_until_it_is_refreshed(
    published: Registry, client_folder: Path
) -> None:
    published.publish(PACKAGES, NOW - timedelta(days=3))
    with pytest.raises(TrustError, match="expired"):
        client(published, client_folder).look_up(next(iter(PACKAGES)))
    signed = published.repository().refresh(NOW)
    assert signed.bins == 0
    client(published, client_folder).look_up(next(iter(PACKAGES)))


def test_only_bins_whose_targets_changed_are_signed(published: Registry) -> None:
    before = set(published.metadata.iterdir())
    published.publish({**PACKAGES, "packages/99/new.zip": b"new"})
    new = {path.name.partition(".")[2].partition("-")[0] for path in set(published.metadata.iterdir()) - before}
    assert new == {"bin", "snapshot.json"}
    assert len(set(published.metadata.iterdir()) - before) == 2


def test_bins_are_signed_again_before_they_expire(published: Registry) -> None:
    assert published.repository().refresh(NOW + timedelta(days=19)).bins == 0
    assert published.repository().refresh(NOW + timedelta(days=21)).bins == 16


def test_an_update_that_was_broken_off_does_not_block_the_next(published: Registry, client_folder: Path) -> None:
    class Broken(FolderMetadata):
        def replace(self, name: str, data: bytes) -> None:
            if name == "timestamp.json":
                raise KeyboardInterrupt
            super().replace(name, data)

    with pytest.raises(KeyboardInterrupt):
        TrustRepository(Broken(published.metadata), published.online).update(targets({"packages/a.zip": b"a"}), NOW)
    client(published, client_folder).look_up(next(iter(PACKAGES)))
    published.publish({"packages/b.zip": b"b"})
    client(published, client_folder).verify("packages/b.zip", b"b")
    with pytest.raises(NotFound):
        client(published, client_folder).look_up("packages/a.zip")


def test_versions_rise_when_earlier_content_is_published_again(published: Registry, client_folder: Path) -> None:
    published.publish({"packages/b.zip": b"b"})
    client(published, client_folder).look_up("packages/b.zip")
    published.publish(PACKAGES)
    assert client(published, client_folder).look_up(next(iter(PACKAGES)))


@pytest.mark.parametrize("role", list(KeyRole))
def test_clients_that_hold_the_old_root_follow_a_new_key(
    published: Registry, client_folder: Path, role: KeyRole
) -> None:
    client(published, client_folder).look_up(next(iter(PACKAGES)))
    new = make_key(published.keys / "new.pem")
    assert not any(one.missing for one in rotate(published.metadata, role, published.offline(), NOW, new=new))
    if role is KeyRole.ONLINE:
        with pytest.raises(TrustError, match=r"another online key than trust\.online_key"):
            published.publish(PACKAGES)
        published.online = new
    published.publish(PACKAGES)
    for path, data in PACKAGES.items():
        client(published, client_folder).verify(path, data)
        client(published, client_folder.with_name("cold")).verify(path, data)


def test_what_the_old_online_key_signed_is_refused_after_the_rotation(published: Registry, client_folder: Path) -> None:
    new = make_key(published.keys / "new.pem")
    rotate(published.metadata, KeyRole.ONLINE, published.offline(), NOW, new=new)
    with pytest.raises(TrustError, match="not to be trusted"):
        client(published, client_folder).look_up(next(iter(PACKAGES)))


def test_a_refresh_takes_over_nothing_that_the_online_key_did_not_sign(published: Registry) -> None:
    new = make_key(published.keys / "new.pem")
    rotate(published.metadata, KeyRole.ONLINE, published.offline(), NOW, new=new)
    published.online = new
    with pytest.raises(TrustError, match="not signed by the online key"):
        published.repository().refresh(NOW)


def test_a_root_that_takes_two_signatures_is_complete_with_the_second(tmp_path: Path) -> None:
    metadata, keys = tmp_path / "tuf", tmp_path / "keys"
    make_root(metadata, keys, NOW, bits=2, root_keys=3, threshold=2)
    at_hand = Keys([read_key(keys / "root-1.pem")], read_key(keys / "targets.pem"))
    written = rotate(metadata, KeyRole.TARGETS, at_hand, NOW, new=make_key(keys / "new.pem"))
    assert [one.missing for one in written] == [1, 0]
    with pytest.raises(TrustError, match="takes no signature by this key"):
        add_signature(metadata, "2.root.json", at_hand.targets)
    assert add_signature(metadata, "2.root.json", read_key(keys / "root-3.pem")).missing == 0


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem")
    with pytest.raises(TrustError, match="there already"):
        make_key(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    made = make_key(tmp_path / "key.pem", "correct horse")
    assert read_key(tmp_path / "key.pem", "correct horse").public_key == made.public_key
    for wrong in (None, "battery staple"):
        with pytest.raises(TrustError, match="passphrase"):
            read_key(tmp_path / "key.pem", wrong)


def test_without_a_root_nothing_is_trusted(published: Registry, client_folder: Path) -> None:
    with pytest.raises(TrustError, match="no root to trust"):
        TrustClient(client_folder, "https://registry.invalid", fetcher=FolderFetcher(published.public))
