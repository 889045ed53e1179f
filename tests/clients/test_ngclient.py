"""python-tuf's client alone, as docs/operations.md shows it, checks what the registry signs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient import Updater, UpdaterConfig

from tests.killing import Place
from tests.killing import publish as publish_snapshot
from tests.serving import served
from tests.tampering import FEW, TAMPERINGS, VICTIM, honest, publish
from tests.test_trust import Registry

MANY = {f"packages/{number:04d}.zip": f"package {number}".encode() for number in range(1000)}


def checked(registry: Registry, folder: Path, *paths: str) -> dict[str, str]:
    """Download with a client of its own folder: the SHA-256 of each path, or the name of the error."""
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    found = {}
    with served(registry.public) as url:
        updater = Updater(
            str(folder),
            f"{url}/tuf/",
            target_dir=str(folder / "targets"),
            target_base_url=f"{url}/",
            config=UpdaterConfig(prefix_targets_with_hash=False),
            bootstrap=registry.first_root,
        )
        for path in paths:
            try:
                target = updater.get_targetinfo(path)
                assert target is not None
                file = updater.download_target(target)
                found[path] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
            except (DownloadError, RepositoryError) as error:
                found[path] = type(error).__name__
    return found


def test_every_target_is_what_was_published(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    publish(registry, MANY)
    found = checked(registry, tmp_path / "client", *MANY)
    assert found == {path: hashlib.sha256(data).hexdigest() for path, data in MANY.items()}


def test_the_documents_that_change_are_found_under_their_digests(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    place.make(30)
    publish_snapshot(place, place.snapshots[0])
    (tmp_path / "documents").mkdir()
    with served(place.public) as url:
        updater = Updater(
            str(tmp_path / "trusted"),
            f"{url}/tuf/",
            target_dir=str(tmp_path / "documents"),
            target_base_url=f"{url}/",
            bootstrap=place.first_root,
        )
        for name in ("entry.json", "revocations.json"):
            target = updater.get_targetinfo(f"index/v1/signed/{name}")
            assert target is not None
            data = Path(updater.download_target(target)).read_bytes()
            assert data == (place.public / "index" / "v1" / name).read_bytes()


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_refused(tmp_path: Path, tamper: Callable[[Registry], None]) -> None:
    registry = honest(tmp_path / "registry")
    known = hashlib.sha256(FEW[VICTIM]).hexdigest()
    assert checked(registry, tmp_path / "client", VICTIM) == {VICTIM: known}
    (tmp_path / "client" / "targets" / VICTIM.replace("/", "%2F")).unlink()
    tamper(registry)
    assert len(checked(registry, tmp_path / "client", VICTIM)[VICTIM]) < 64, "downloaded all the same"
