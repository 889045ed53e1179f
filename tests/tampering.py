"""Ways to tamper with a published registry, each of which every client must refuse.

They are the attacks that the TUF specification names (1.0.33, section 1.5.2), on a registry in a folder that the
client has seen in its honest state before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.test_trust import NOW, Registry, in_a_year, other_snapshot, oversize, signed_by_another, truncated

FEW = {f"packages/{number:04d}.zip": f"package {number}".encode() for number in range(20)}
VICTIM = "packages/0000.zip"


def publish(registry: Registry, files: dict[str, bytes]) -> None:
    """Put files and signatures where clients fetch them."""
    for path, data in files.items():
        file = registry.public / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    registry.publish(files)


def wrong_bytes(registry: Registry) -> None:
    (registry.public / VICTIM).write_bytes(b"package X")


def longer(registry: Registry) -> None:
    with (registry.public / VICTIM).open("ab") as file:
        file.write(b" and more")


def shorter(registry: Registry) -> None:
    (registry.public / VICTIM).write_bytes(b"pack")


def frozen(registry: Registry) -> None:
    """Nothing new is shown for three days: what is there was signed then."""
    registry.publish(FEW, NOW - timedelta(days=3))


def rolled_back(registry: Registry) -> None:
    """A timestamp is shown again that is older than the one that the client has seen."""
    (registry.metadata / "timestamp.json").write_bytes(registry.earlier_timestamp)


def mixed(registry: Registry) -> None:
    """The newest timestamp with an earlier snapshot under the name of the newest."""
    first, *_, last = sorted(registry.metadata.glob("*.snapshot.json"), key=_version)
    registry.publish({**FEW, "packages/new.zip": b"new"})
    newest = max(registry.metadata.glob("*.snapshot.json"), key=_version)
    assert newest not in (first, last)
    newest.write_bytes(last.read_bytes())


def old_bin(registry: Registry) -> None:
    """The newest snapshot with an earlier list of packages under the name of the newest."""
    registry.publish({**FEW, VICTIM: b"package 0, mended"})
    names = {path: path.name.partition(".")[2] for path in registry.metadata.glob("*.bin-*.json")}
    changed = max(names, key=_version)
    before = [path for path in names if names[path] == names[changed] and path != changed]
    changed.write_bytes(max(before, key=_version).read_bytes())


def edited_bins(registry: Registry) -> None:
    """Other bytes, and their digest in a new list of packages, which nobody signed."""
    evil, honest_one = b"package Z", b"package Y"
    registry.publish({**FEW, VICTIM: honest_one})
    (registry.public / VICTIM).write_bytes(evil)
    before, after = (hashlib.sha256(data).hexdigest().encode() for data in (honest_one, evil))
    for path in registry.metadata.glob("*.bin-*.json"):
        path.write_bytes(path.read_bytes().replace(before, after))


def without_root_signature(registry: Registry) -> None:
    content = json.loads(registry.first_root)
    content["signed"]["version"] = 2
    (registry.metadata / "2.root.json").write_text(json.dumps(content))


def _of_metadata(tamper: Callable[[Path], None]) -> Callable[[Registry], None]:
    def apply(registry: Registry) -> None:
        # A new state, so that nothing is answered from what the client has.
        registry.publish({**FEW, "packages/new.zip": b"new"})
        tamper(registry.metadata)

    apply.__name__ = tamper.__name__
    return apply


def _version(path: Path) -> int:
    return int(path.name.partition(".")[0])


TAMPERINGS: tuple[Callable[[Registry], None], ...] = (
    wrong_bytes,
    longer,
    shorter,
    frozen,
    rolled_back,
    mixed,
    old_bin,
    edited_bins,
    without_root_signature,
    _of_metadata(in_a_year),
    _of_metadata(other_snapshot),
    _of_metadata(truncated),
    _of_metadata(oversize),
    _of_metadata(signed_by_another),
)


def honest(folder: Path) -> Registry:
    """A registry whose present state a client may see before it is tampered with."""
    registry = Registry(folder)
    publish(registry, FEW)
    registry.earlier_timestamp = (registry.metadata / "timestamp.json").read_bytes()
    registry.publish(FEW)
    return registry
