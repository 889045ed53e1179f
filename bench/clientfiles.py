"""What the files of clients cost: to publish beside the JSON index alone, after a change, and to install one skill.

The skills are made up, 25 a repository, with a SKILL.md as long as real ones and one other file; the packages are
there already. The change is of 1 % of the skills: four of 25 in a sixteenth of the repositories, since of six real
repositories that changed within a week, 15 % of their skills did; and scattered as widely as can be, one of 25 in a
quarter of them.
"""

from __future__ import annotations

import json
import posixpath
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from memory import in_child  # noqa: E402
from tests.snapshots import SampleSkill, make_snapshot, packages, synthetic_skills  # noqa: E402

from skilldata.clientformats.addresses import ClientAddresses  # noqa: E402
from skilldata.config import PublishSettings  # noqa: E402
from skilldata.jsonindex.build import build_json_index  # noqa: E402
from skilldata.objects import package_key  # noqa: E402
from skilldata.observed import Observed, write_observed  # noqa: E402
from skilldata.publish.order import PACKAGE  # noqa: E402
from skilldata.publish.publisher import Publisher  # noqa: E402
from skilldata.publish.target import FolderTarget  # noqa: E402
from skilldata.snapshot import JSON_INDEX, Snapshot  # noqa: E402

ADDRESSES = ClientAddresses("Benchmark", "https://files.example/", "https://registry.example/")
BODY = 9_850  # bytes of a SKILL.md: the mean of real ones
REPOSITORY = 25  # skills of one
TOGETHER = 4
SKILL = "r/owner-0000/repo-00000@skill-000007"


def measure(quick: bool) -> list[Figure]:
    """Publish an index of two sizes, with the files of clients and without."""
    large = 1_200 if quick else 20_000
    with tempfile.TemporaryDirectory() as name:
        state = Path(name)
        small = publish_twice(state / "small", large // 4, ADDRESSES)[0]
        plain = publish_twice(state / "plain", large, None)[0]
        full, change = publish_twice(state / "full", large, ADDRESSES)
        scattered = publish_twice(state / "scattered", large, ADDRESSES, together=1)[1]
        return [
            Figure(f"CPU seconds to publish {large:,} skills, index alone", plain["cpu"], "s"),
            Figure("… with the files of clients", full["cpu"], "s"),
            Figure("objects for each skill, index alone", plain["puts"] / large, "objects"),
            Figure("… with the files of clients", full["puts"] / large, "objects"),
            Figure("peak memory, index alone", plain["peak"], "MiB"),
            Figure("… with the files of clients", full["peak"], "MiB"),
            Figure("… beside a quarter of the skills", full["peak"] / small["peak"], "ratio", 1.5),
            Figure("1 % changed: objects, beside a full publish", change["puts"] / full["puts"], "ratio", 0.03),
            Figure("1 % changed: bytes, beside a full publish", change["bytes"] / full["bytes"], "ratio", 0.03),
            Figure("1 % changed, scattered: objects, beside a full publish", scattered["puts"] / full["puts"], "ratio"),
            Figure("1 % changed, scattered: bytes, beside a full publish", scattered["bytes"] / full["bytes"], "ratio"),
            Figure("bytes to install one skill, beyond its package", index_bytes(state / "full"), "bytes", 64 * 1024),
        ]


def index_bytes(state: Path) -> int:
    """Read the index of one skill, look that its package is there, and give the index's bytes."""
    target = FolderTarget(state / "public")
    path = f"{SKILL}/.well-known/agent-skills/index.json"
    data = target.get(path)
    [skill] = json.loads(data)["skills"]
    target.get(posixpath.normpath(posixpath.join(posixpath.dirname(path), skill["url"])))
    return len(data)


def publish_twice(
    state: Path, count: int, clients: ClientAddresses | None, *, together: int = TOGETHER
) -> list[dict[str, Any]]:
    """Publish skills, and again after 1 % of them changed, `together` of a repository."""
    skills = synthetic_skills(count, body_bytes=BODY)
    touched = count // together // 4  # skills of the repositories that change
    changed = [renewed(one) if n < touched and n % REPOSITORY < together else one for n, one in enumerate(skills)]
    folders = [prepare(state, "one", skills), prepare(state, "two", changed)]
    return [in_child(publish, state, folder, clients, count) for folder in folders]


def renewed(skill: SampleSkill) -> SampleSkill:
    """Give a skill with another description and another text."""
    version = skill.versions[0]
    return replace(
        skill, description="Does another thing.", versions=(replace(version, text=version.text + "More.\n"),)
    )


def prepare(state: Path, name: str, skills: list[SampleSkill]) -> Path:
    """Make a snapshot, and put its packages where they are published."""
    folder, target = make_snapshot(state / name, skills), FolderTarget(state / "public")
    with Snapshot(folder) as snapshot:
        build_json_index(snapshot, folder / JSON_INDEX)
    write_observed(folder, Observed(sources=()))
    for digest, data in packages(skills).items():
        target.put(package_key(digest), data, PACKAGE)
    return folder


def publish(state: Path, folder: Path, clients: ClientAddresses | None, count: int) -> dict[str, Any]:
    """Publish a snapshot: objects and bytes. The root's marketplace has as large a part of it as of 100,000 skills."""
    settings = PublishSettings(marketplace_skills=count * PublishSettings().marketplace_skills // 100_000)
    target = FolderTarget(state / "public")
    report = Publisher(target, settings, lock=state / "lock", clients=clients).publish(folder)
    return {"puts": report.puts, "bytes": report.put_bytes}


if __name__ == "__main__":
    main(str(__doc__), measure)
