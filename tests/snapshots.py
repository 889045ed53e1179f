"""Small snapshots for tests, made without a crawl: `make_snapshot(folder)` writes one from plain samples.

The default samples are what readers of a snapshot have to cope with: hostile names, descriptions and bodies,
text outside ASCII, refused and gone skills, copies, several versions, skills without a licence.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from skilldata.models import Severity
from skilldata.opinions import Opinion, OpinionFinding
from skilldata.snapshot import DATABASE, FORMAT, LISTING, MANIFEST, TABLES

EPOCH = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
FREE = frozenset({"MIT", "Apache-2.0", "MPL-2.0", "CC-BY-4.0"})
XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>"


@dataclass(frozen=True)
class SampleRepository:
    """A repository of the fixture. Its id follows from its name, so that samples can be listed in any order."""

    owner: str
    name: str
    description: str = "Skills for tests"
    stars: int = 12
    topics: tuple[str, ...] = ()
    licence: str | None = "MIT"
    state: str = "active"
    parent: str | None = None  # owner/name of the repository it was forked from
    archived: bool = False

    @property
    def repository_id(self) -> int:
        return _number(f"{self.owner}/{self.name}")


@dataclass(frozen=True)
class SampleVersion:
    """One version: the files besides SKILL.md are `path -> content`."""

    label: str
    text: str
    files: dict[str, bytes] = field(default_factory=dict)
    day: int = 0  # days after EPOCH
    level: str = "strict"
    downloads: tuple[int, ...] = ()  # on EPOCH's day and those after it


@dataclass(frozen=True)
class SampleSkill:
    """A skill of the fixture; `versions` oldest first, the last one is current. Refused ones have none."""

    repository: SampleRepository
    path: str
    slug: str | None
    name: str
    description: str
    versions: tuple[SampleVersion, ...] = ()
    state: str = "listed"
    level: str = "strict"
    licence: str | None = "MIT"
    evidence: str = "repository: LICENSE"
    manifest: dict[str, Any] = field(default_factory=dict)
    diagnostics: tuple[tuple[str, str, str, int | None, str, str], ...] = ()  # rule level file line message remedy
    verdict: str = "no findings"
    findings: tuple[tuple[str | int | None, ...], ...] = ()  # rule severity file line evidence explanation remedy
    manifest_file: str = "SKILL.md"
    opinion: Opinion | None = None  # of another scanner, on the current version

    @property
    def redistributable(self) -> bool:
        return self.licence in FREE


def skill_text(name: str, description: str, body: str) -> str:
    """A SKILL.md with front matter; the values are written as JSON strings, which are YAML too."""
    return f"---\nname: {json.dumps(name)}\ndescription: {json.dumps(description)}\n---\n\n{body}"


def sample_skill(repository: SampleRepository, slug: str, description: str, body: str, **changes: Any) -> SampleSkill:
    """A listed skill with one version and one extra file; `changes` are fields of `SampleSkill`."""
    name = changes.pop("name", slug)
    version = SampleVersion("0.0.1", skill_text(name, description, body), {"scripts/run.py": b"print('run')\n"})
    values: dict[str, Any] = {
        "path": f"skills/{slug}",
        "versions": (version,),
        "manifest": {"name": name, "description": description},
        **changes,
    }
    return SampleSkill(repository=repository, slug=slug, name=name, description=description, **values)


ACME = SampleRepository("acme", "tools", "Everyday tools for agents", 1234, ("agent-skills", "pdf"))
HOSTILE = SampleRepository("mallory", "evil.repo", XSS, 3, ("<b>", "agent-skills"))
KANJI = SampleRepository("Tanaka-Yuki", "skills_jp", "日本語のスキル", 87, ("agent-skills",), "Apache-2.0")
FORK = SampleRepository("zoe", "tools", "A fork", 0, parent="acme/tools")
SILENT = SampleRepository("nolicence", "notes", "", 5, licence=None)
LOST = SampleRepository("vanished", "old", "No longer there", 40, state="gone")

_PDF_BODY = """# PDF forms

Fill forms with `scripts/run.py`. See the [reference](references/fields.md#types) and [the site](https://example.org/).

| field | type |
|---|---|
| name | text |

- [x] read
- [ ] write

```python
print("filled")
```

![a diagram](images/flow.png)
"""

_HOSTILE_BODY = f"""# {XSS}

{XSS}

[click](javascript:alert(4)) ![pixel](https://tracker.example/p.gif) <iframe src="https://evil.example/"></iframe>

hidden\u200b\u202etext\U000e0041
"""

_ERRORS = (
    ("manifest.missing-description", "error", "SKILL.md", 2, "description is missing", "Add a description."),
    ("manifest.name-case", "warning", "SKILL.md", 2, f"name {XSS} is not lower case", "Write it in lower case."),
)

SAMPLES: tuple[SampleSkill, ...] = (
    sample_skill(
        ACME,
        "pdf-forms",
        "Fill, flatten and check PDF forms. Use when a user hands over a form to complete.",
        _PDF_BODY,
        versions=(
            SampleVersion("1.0.0", skill_text("pdf-forms", "Fill PDF forms.", "# PDF\n"), day=1),
            SampleVersion("1.1.0", skill_text("pdf-forms", "Fill PDF forms.", "# PDF forms\n"), day=4),
            SampleVersion(
                "1.2.0",
                skill_text("pdf-forms", "Fill, flatten and check PDF forms.", _PDF_BODY),
                {
                    "scripts/run.py": b"print('run')\n",
                    "references/fields.md": b"# Fields\n\n## Types\n",
                    "images/flow.png": b"\x89PNG" + bytes(2048),
                },
                day=9,
            ),
        ),
        manifest={
            "name": "pdf-forms",
            "description": "Fill, flatten and check PDF forms.",
            "license": "MIT",
            "allowed-tools": "Read Bash(python:*)",
            "metadata": {"version": "1.2.0", "author": "Acme"},
        },
        evidence="front matter",
    ),
    sample_skill(ACME, "csv-tools", "Clean and join CSV files.", "# CSV\n\nClean.\n"),
    sample_skill(
        ACME,
        "commit-message",
        "Write commit messages in the house style.",
        "# Commit\n\n<task>Read the diff.</task>\n",
        level="loadable",
        diagnostics=(
            ("manifest.unknown-key", "warning", "SKILL.md", 4, "unknown key 'tags'", "Move it under metadata."),
            ("folder.name", "info", "", None, "folder and name differ", "Rename the folder."),
        ),
    ),
    SampleSkill(ACME, "skills/draft", None, "", "", state="refused", level="broken", diagnostics=_ERRORS),
    sample_skill(
        HOSTILE,
        "xss",
        XSS,
        _HOSTILE_BODY,
        name=XSS,
        level="loadable",
        path='skills/"><script>alert(5)</script>',
        manifest={"name": XSS, "description": XSS, XSS: {XSS: [XSS, 1, None]}},
        evidence=f"skill folder: {XSS}",
        diagnostics=(_ERRORS[1],),
        verdict="findings",
        findings=(
            ("persistence", "HIGH", XSS, 3, XSS, "It outlives the task.", "Say how to remove it."),
            ("compiled-code", "MEDIUM", "a.so", None, "ELF", "Nobody can review it.", "Ship the source."),
        ),
        opinion=Opinion(
            scanner="other",
            version=XSS,
            highest=Severity.HIGH,
            findings=(
                OpinionFinding(rule=XSS, severity=Severity.HIGH, file="scripts/run.py", line=1, text=XSS),
                OpinionFinding(rule="R2", severity=Severity.LOW, file="", text="It is vague."),
            ),
            more=12,
        ),
    ),
    SampleSkill(
        HOSTILE,
        "../../etc",
        "../../etc/passwd",
        "traversal",
        "a slug that is none",
        versions=(SampleVersion("0.0.1", skill_text("traversal", "a slug that is none", "# T\n")),),
    ),
    sample_skill(
        KANJI,
        "hyo-seiri",
        "表計算ファイルを整理し、集計します。",
        "# 表の整理\n\n手順は次のとおりです。\n",
        name="表整理",
    ),
    sample_skill(KANJI, "kaigi", "会議の議事録を作成する。", "# 議事録\n", licence="Apache-2.0", verdict="error"),
    sample_skill(FORK, "csv-tools", "Clean and join CSV files.", "# CSV\n\nClean.\n"),
    sample_skill(
        SILENT, "meeting-notes", "Turn transcripts into notes.", "# Notes\n", licence=None, evidence="", path=""
    ),
    sample_skill(LOST, "old-skill", "Was here once.", "# Old\n", state="gone"),
    SampleSkill(SILENT, "too-big", "too-big", "too-big", "Large.", state="refused", diagnostics=(
        ("package.too-large", "error", "", None, "the folder has 25 MB, the limit is 10 MB", "Make it smaller."),
    )),
)  # fmt: skip


def synthetic_skills(count: int, *, body_bytes: int = 5000) -> list[SampleSkill]:
    """Many plain skills in repositories of 25, for measuring."""
    sentence = "Read the input, **check** it against `schema.json`, then write the [report](docs/report.md).\n\n"
    skills = []
    for number in range(count):
        group = number // 25
        repository = SampleRepository(f"owner-{group // 4:04}", f"repo-{group:05}", stars=group % 900)
        body = f"# Skill {number}\n\n" + sentence * (body_bytes // len(sentence)) + f"```sh\nrun {number}\n```\n"
        skills.append(sample_skill(repository, f"skill-{number:06}", f"Does the thing with number {number}.", body))
    return skills


def make_snapshot(
    folder: Path, skills: Sequence[SampleSkill] = SAMPLES, *, repositories: Sequence[SampleRepository] = ()
) -> Path:
    """Write a snapshot of `skills` (and of `repositories` without any) into `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = _rows(skills, repositories)
    with duckdb.connect(str(folder / DATABASE)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
            _load(connection, folder, table, rows[table])
    listed = [skill for skill in rows["skill"] if skill["state"] == "listed"]
    listing = json.dumps([{key: skill[key] for key in ("owner", "repository", "slug", "name")} for skill in listed])
    (folder / LISTING).write_text(listing)
    identity = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
    content = {
        "id": f"20260315T120000Z-{identity[:12]}",
        "as_of": (EPOCH + timedelta(days=14, hours=3)).isoformat(),
        "format": FORMAT,
        "counts": {
            "skills": len(listed),
            "repositories": len(rows["repository"]),
            "versions": len(rows["version"]),
            "packages": len(rows["package"]),
            "refused": sum(skill["state"] == "refused" for skill in rows["skill"]),
            "gone": sum(skill["state"] == "gone" for skill in rows["skill"]),
        },
        "files": {name: _digest((folder / name).read_bytes()) for name in (DATABASE, LISTING)},
    }
    (folder / MANIFEST).write_text(json.dumps(content, indent=1))
    return folder


def packages(skills: Iterable[SampleSkill] = SAMPLES) -> dict[str, bytes]:
    """The zips that the snapshot of these skills names, by package digest."""
    return {
        _digest(data): data for skill in skills for version in skill.versions for data in [_zip(_files(skill, version))]
    }


def _rows(skills: Sequence[SampleSkill], extra: Sequence[SampleRepository]) -> dict[str, list[dict[str, Any]]]:
    repositories = {r.repository_id: r for r in [*extra, *(skill.repository for skill in skills)]}
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    rows["repository"] = [_repository(repository) for repository in repositories.values()]
    contents: dict[str, dict[str, bytes]] = {}
    for skill in skills:
        digests = [_content_digest(_files(skill, version)) for version in skill.versions]
        contents.update(
            {digest: _files(skill, version) for digest, version in zip(digests, skill.versions, strict=True)}
        )
        rows["skill"].append(_skill(skill, digests))
        key = {"repository_id": skill.repository.repository_id, "path": skill.path}
        for ordinal, (digest, version) in enumerate(zip(digests, skill.versions, strict=True), 1):
            rows["version"].append(key | _version(skill, version, ordinal, digest))
            rows["download"] += [
                key
                | {"content_digest": digest, "day": (EPOCH + timedelta(days=day)).date().isoformat(), "downloads": n}
                for day, n in enumerate(version.downloads)
            ]
        if skill.versions:
            text = skill.versions[-1].text if skill.redistributable else ""
            rows["document"].append(key | {"manifest": json.dumps(skill.manifest), "text": text})
        names = ("rule", "level", "file", "line", "message", "remedy")
        rows["diagnostic"] += [
            key | {"ordinal": ordinal} | dict(zip(names, diagnostic, strict=True))
            for ordinal, diagnostic in enumerate(skill.diagnostics)
        ]
        columns = ("rule", "severity", "file", "line", "evidence", "explanation", "remedy")
        rows["finding"] += [
            key | {"ordinal": ordinal} | dict(zip(columns, finding, strict=True))
            for ordinal, finding in enumerate(skill.findings)
        ]
        if skill.opinion:
            said = skill.opinion.model_dump(mode="json")
            rows["second_opinion"].append(
                {"content_digest": digests[-1], **said, "findings": json.dumps(said["findings"])}
            )
    for digest, files in contents.items():
        rows["package"].append(_package(digest, files))
        rows["file"] += [
            {
                "content_digest": digest,
                "path": path,
                "mode": 0o755 if path.endswith(".py") else 0o644,
                "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
            for path, data in files.items()
        ]
    for table in ("skill", "document"):  # in the order of their keys, as the export writes them
        rows[table].sort(key=lambda row: (row["repository_id"], row["path"]))
    return rows


def _repository(repository: SampleRepository) -> dict[str, Any]:
    alive = repository.state == "active"
    return {
        "repository_id": repository.repository_id,
        "owner": repository.owner,
        "name": repository.name,
        "description": repository.description,
        "default_branch": "main",
        "revision": _oid(repository.owner, repository.name) if alive else None,
        "committed_at": (EPOCH + timedelta(days=9)).isoformat() if alive else None,
        "stars": repository.stars,
        "forks": repository.stars // 10,
        "topics": json.dumps(repository.topics),
        "licence": repository.licence,
        "is_fork": repository.parent is not None,
        "parent_id": _number(repository.parent) if repository.parent else None,
        "archived": repository.archived,
        "pushed_at": (EPOCH + timedelta(days=10)).isoformat(),
        "state": repository.state,
        "first_seen_at": EPOCH.isoformat(),
    }


def _skill(skill: SampleSkill, digests: Sequence[str]) -> dict[str, Any]:
    day = skill.versions[-1].day if skill.versions else 0
    return {
        "repository_id": skill.repository.repository_id,
        "path": skill.path,
        "owner": skill.repository.owner,
        "repository": skill.repository.name,
        "slug": skill.slug,
        "state": skill.state,
        "level": skill.level,
        "name": skill.name,
        "description": skill.description,
        "manifest_file": skill.manifest_file,
        "label": skill.versions[-1].label if skill.versions else None,
        "content_digest": digests[-1] if digests else None,
        "licence": skill.licence,
        "redistributable": skill.redistributable,
        "stars": skill.repository.stars,
        "first_seen_at": EPOCH.isoformat(),
        "updated_at": (EPOCH + timedelta(days=day)).isoformat(),
        "gone_at": (EPOCH + timedelta(days=12)).isoformat() if skill.state == "gone" else None,
        "verdict": skill.verdict,
    }


def _version(skill: SampleSkill, version: SampleVersion, ordinal: int, digest: str) -> dict[str, Any]:
    return {
        "ordinal": ordinal,
        "label": version.label,
        "content_digest": digest,
        "revision": _oid(skill.repository.owner, skill.repository.name, str(version.day)),
        "committed_at": (EPOCH + timedelta(days=version.day)).isoformat(),
        "created_at": (EPOCH + timedelta(days=version.day, hours=2)).isoformat(),
        "level": skill.level,
        "licence": skill.licence,
        "licence_evidence": skill.evidence,
        "redistributable": skill.redistributable,
        "verdict": skill.verdict,
        "rule_set": "1+0123456789ab",
    }


def _package(digest: str, files: dict[str, bytes]) -> dict[str, Any]:
    data = _zip(files)
    return {
        "content_digest": digest,
        "package_digest": _digest(data),
        "size": len(data),
        "unpacked_size": sum(map(len, files.values())),
        "file_count": len(files),
    }


def _files(skill: SampleSkill, version: SampleVersion) -> dict[str, bytes]:
    return dict(sorted({skill.manifest_file: version.text.encode(), **version.files}.items()))


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return buffer.getvalue()


def _content_digest(files: dict[str, bytes]) -> str:
    return _digest("\n".join(f"{path} {hashlib.sha256(data).hexdigest()}" for path, data in files.items()).encode())


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _oid(*parts: str) -> str:
    return hashlib.sha1("/".join(parts).encode()).hexdigest()


def _number(full_name: str) -> int:
    return int(hashlib.sha256(full_name.encode()).hexdigest()[:8], 16)


def _load(connection: duckdb.DuckDBPyConnection, folder: Path, table: str, rows: list[dict[str, Any]]) -> None:
    # Through one file of JSON lines: 4,000 skills in a second, where inserting row by row takes minutes.
    if not rows:
        return
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    columns = ", ".join(f"'{name}': '{'VARCHAR' if kind == 'JSON' else kind}'" for name, kind, *_ in described)
    names = ", ".join(name for name, *_ in described)
    lines = folder / f"{table}.ndjson"
    lines.write_text("\n".join(map(json.dumps, rows)))
    connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM read_json('{lines}', format='newline_delimited', "
        f"maximum_object_size=50000000, columns={{{columns}}})"
    )
    lines.unlink()
