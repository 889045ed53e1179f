"""An index of any size for benchmarks, put together from the names, descriptions and bodies of real skills.

Each skill has the name of one real skill, the description of two and the body of two, cut at sentences and
sections, so that texts look real and yet no two are the same. Digests are random, as real ones are. The rows
go straight into PostgreSQL; there are no packages.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from psycopg import Connection
from tests.scan_cases.corpus import real_skills

from skilldata.database import Database
from skilldata.names import slugify

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = (1, 1, 2, 3, 4, 6, 9, 14, 25, 60)  # skills of a repository
LICENCES = ("MIT", "MIT", "Apache-2.0", None, None)
CHANGED_SHARE = 3  # a push changes one of so many skills of its repository


class Pool(NamedTuple):
    """What real skills are like."""

    names: list[str]
    descriptions: list[str]
    bodies: list[str]


def read_pool() -> Pool:
    """Read the real repositories where there are some, else the samples of the local GitHub."""
    folder = Path(os.environ.get("SKILLREGISTRY_TEST_CORPUS") or ROOT.parent / "shared" / "corpus")
    texts = []
    for skill in real_skills(folder):
        text = next((file.data for file in skill.files if file.path.lower() == "skill.md"), b"")
        texts.append((skill.name, skill.manifest.get("description"), text.decode("utf-8", "replace")))
    if not texts:
        files = sorted((ROOT / "tests" / "standin" / "samples").rglob("SKILL.md"))
        texts = [(one.parent.name, one.parent.name, one.read_text(encoding="utf-8", errors="replace")) for one in files]
    names = [slugify(name.rpartition("/")[2]) or "skill" for name, _, _ in texts]
    descriptions = [text for _, text, _ in texts if isinstance(text, str) and text.strip()]
    bodies = [text.replace("\0", "") for _, _, text in texts]
    return Pool(names, descriptions or names, bodies)


class Generator:
    """Fills an index.

    Args:
        database: An empty index.
        seed: Chooses what is drawn.
        body_bytes: Longest body; None for bodies as long as real ones.
    """

    def __init__(self, database: Database, *, seed: int = 1, body_bytes: int | None = None) -> None:
        self._database = database
        self._random = random.Random(seed)
        self._pool = read_pool()
        self._body_bytes = body_bytes
        self._number = 0

    def fill(self, skills: int) -> None:
        """Add repositories with so many skills in all."""
        with self._database.transaction() as connection:
            while self._number < skills:
                self._add(connection, min(20_000, skills - self._number))
            connection.execute(
                "INSERT INTO event (at, kind, actor, evidence) VALUES (%s, 'index.made', 'bench', '{}')", (START,)
            )
        with self._database.transaction() as connection:
            connection.execute("ANALYZE")

    def change(self, skills: int) -> int:
        """Push to repositories until so many skills have a new version; gives how many repositories that took."""
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT repository_id, array_agg(skill_id ORDER BY skill_id) FROM skill GROUP BY 1 ORDER BY 1"
            ).fetchall()
            self._random.shuffle(found)
            touched: list[int] = []
            repositories = []
            for repository_id, ids in found:
                if len(touched) >= skills:
                    break
                wanted = min(max(1, len(ids) // CHANGED_SHARE), skills - len(touched))
                touched += self._random.sample(ids, wanted)
                repositories.append(repository_id)
            at = START + timedelta(days=300)
            connection.execute(
                "UPDATE repository SET crawled_oid = left(md5(random()::text) || md5(random()::text), 40), "
                "committed_at = %s WHERE repository_id = ANY(%s)",
                (at, repositories),
            )
            self._new_versions(connection, touched, at)
        return len(repositories)

    def _new_versions(self, connection: Connection[tuple[object, ...]], skill_ids: list[int], at: datetime) -> None:
        rows = connection.execute(
            "SELECT skill_id, max(ordinal) FROM version WHERE skill_id = ANY(%s) GROUP BY 1 ORDER BY 1", (skill_ids,)
        ).fetchall()
        made = [(int(str(one)), int(str(last)) + 1, f"{one}:{last}", at) for one, last in rows]
        self._write_packages(connection, [one[2] for one in made])
        self._write_versions(connection, made)
        connection.execute(
            "UPDATE skill SET current_version_id = version_id, updated_at = %s FROM version "
            "WHERE version.skill_id = skill.skill_id AND version.committed_at = %s AND skill.skill_id = ANY(%s)",
            (at, at, skill_ids),
        )

    def _add(self, connection: Connection[tuple[object, ...]], count: int) -> None:
        repositories: list[tuple[int, str, str]] = []
        skills: list[tuple[int, int, str, str]] = []
        first = self._number
        while self._number < first + count:
            number = len(repositories) + first
            owner = f"{self._random.choice(self._pool.names)[:20].strip('-')}-{number // 2}"
            repositories.append((number + 1, owner, self._random.choice(self._pool.names)))
            size = min(self._random.choice(SIZES), first + count - self._number)
            for _ in range(size):
                self._number += 1
                slug = f"{self._random.choice(self._pool.names)[:50].strip('-')}-{self._number}"
                skills.append((self._number, number + 1, f"skills/{slug}", slug))
        self._write_repositories(connection, repositories)
        _copy(
            connection,
            "skill (skill_id, repository_id, path, manifest_file, slug, state, level, first_seen_at, updated_at) "
            "FROM STDIN",
            ((*one[:3], "SKILL.md", one[3], "listed", "strict", START, START) for one in skills),
        )
        self._write_packages(connection, [str(one[0]) for one in skills])
        self._write_versions(connection, [(one[0], 1, str(one[0]), START) for one in skills])
        connection.execute(
            "UPDATE skill SET current_version_id = version_id FROM version "
            "WHERE version.skill_id = skill.skill_id AND skill.skill_id BETWEEN %s AND %s",
            (first + 1, self._number),
        )

    def _write_repositories(
        self, connection: Connection[tuple[object, ...]], repositories: list[tuple[int, str, str]]
    ) -> None:
        columns = (
            "repository (repository_id, node_id, owner, name, default_branch, description, stars, forks, topics, "
            "licence, is_fork, archived, state, crawled_oid, committed_at, first_seen_at) FROM STDIN"
        )
        rows = (
            (
                number, f"R_{number}", owner, name, "main", self._description(),
                min(10**6, int(self._random.paretovariate(0.6))), 0,
                ["agent-skills"], self._random.choice(LICENCES), False, False, "active",
                hashlib.sha1(str(number).encode()).hexdigest(), START, START,
            )
            for number, owner, name in repositories
        )  # fmt: skip
        _copy(connection, columns, rows)
        _copy(
            connection,
            "probe (repository_id, probed_at, due_at) FROM STDIN",
            ((number, START, START) for number, _, _ in repositories),
        )

    def _write_packages(self, connection: Connection[tuple[object, ...]], names: list[str]) -> None:
        counts = {name: 1 + min(40, int(self._random.expovariate(0.3))) for name in names}
        _copy(
            connection,
            "package (content_digest, package_digest, size, unpacked_size, file_count, verdict, rule_set) FROM STDIN",
            (
                (_digest("c", name), _digest("p", name), 4000 * count, 9000 * count, count, "no-findings", "1")
                for name, count in counts.items()
            ),
        )
        _copy(
            connection,
            "file (content_digest, path, mode, size, sha256, oid) FROM STDIN",
            (
                (_digest("c", name), f"references/part-{n}.md" if n else "SKILL.md", 420, 9000, sha, sha[:40])
                for name, count in counts.items()
                for n in range(count)
                for sha in [hashlib.sha256(f"f{name}{n}".encode()).hexdigest()]
            ),
        )

    def _write_versions(
        self, connection: Connection[tuple[object, ...]], made: Iterable[tuple[int, int, str, datetime]]
    ) -> None:
        columns = (
            "version (skill_id, ordinal, label, content_digest, revision, committed_at, name, description, level, "
            "manifest, text, licence, licence_evidence, licence_confidence, redistributable, created_at) FROM STDIN"
        )
        _copy(connection, columns, (self._version(*one) for one in made))

    def _version(self, skill_id: int, ordinal: int, name: str, at: datetime) -> tuple[object, ...]:
        title, description = self._random.choice(self._pool.names), self._description()
        licence = self._random.choice(LICENCES)
        return (
            skill_id, ordinal, f"0.0.{ordinal}", _digest("c", name), hashlib.sha1(name.encode()).hexdigest(), at, title,
            description, "strict", json.dumps({"name": title, "description": description}), self._body(), licence,
            "repository: LICENSE" if licence else "", 1.0, licence is not None, at,
        )  # fmt: skip

    def _description(self) -> str:
        one, two = self._random.choice(self._pool.descriptions), self._random.choice(self._pool.descriptions)
        return f"{one[: len(one) // 2]}{two[len(two) // 2 :]}".replace("\0", "")[:1024]

    def _body(self) -> str:
        one, two = self._random.choice(self._pool.bodies), self._random.choice(self._pool.bodies)
        return f"{one[: len(one) // 2]}\n\n{two[len(two) // 2 :]}"[: self._body_bytes]


def _copy(connection: Connection[tuple[object, ...]], columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {columns}".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _digest(kind: str, name: str) -> str:
    return f"sha256:{hashlib.sha256((kind + name).encode()).hexdigest()}"


def addresses(database: Database, count: int) -> Iterator[str]:
    """Yield the addresses of some skills."""
    query = "SELECT owner, name, slug FROM skill JOIN repository USING (repository_id) ORDER BY md5(slug) LIMIT %s"
    with database.transaction() as connection:
        for row in connection.execute(query, (count,)).fetchall():
            yield "/".join(row)
