"""A made-up snapshot of any size for `bench/site.py`, made inside DuckDB: 100,000 skills in some seconds."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from skilldata.snapshot import DATABASE, FORMAT, MANIFEST, TABLES

SIZES = "[1, 1, 1, 2, 2, 3, 5, 8, 12, 25]"  # skills of a repository, 6 in the mean
SENTENCE = "Read the input, **check** it against `schema.json` row by row, then write what you found for step "


def make(folder: Path, skills: int, changed: str) -> Path:
    """Write a snapshot; skills for which the condition `changed` holds have another text and description."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / DATABASE)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
        for statement in _TABLES.format(skills=skills, sizes=SIZES, changed=changed, sentence=SENTENCE).split(";"):
            if statement.strip():
                connection.execute(statement)
        [[count]] = connection.execute("SELECT count(*) FROM repository").fetchall()
    content = {
        "id": f"20260301T000000Z-{folder.name:0>12}"[:29],
        "as_of": "2026-03-01T00:00:00+00:00",
        "format": FORMAT,
        "counts": {
            "skills": skills,
            "repositories": count,
            "versions": skills,
            "packages": skills,
            "refused": 0,
            "gone": 0,
        },
        "files": {},
    }
    (folder / MANIFEST).write_text(json.dumps(content))
    return folder


_TABLES = """
CREATE TEMP TABLE made AS
    WITH sized AS (
        SELECT number, {sizes}[1 + (hash(number) % 10)::INTEGER] AS size FROM range({skills}) r(number)
    ), placed AS (SELECT *, sum(size) OVER (ORDER BY number) - size AS first FROM sized)
    SELECT number + 1 AS repository_id, first, least(size, {skills} - first)::INTEGER AS size
    FROM placed WHERE first < {skills};
INSERT INTO repository
    SELECT repository_id, 'owner-' || (repository_id * 3 // 5), 'repository-' || repository_id,
           'Skills for the work of team ' || repository_id, 'main', sha1(repository_id::VARCHAR), '2026-02-01',
           (hash(repository_id, 1) % 3000)::INTEGER, 3,
           to_json(['topic-' || (hash(repository_id, 2) % 12), 'topic-' || (hash(repository_id, 3) % 100),
                    'topic-' || (hash(repository_id, 4) % 900)]),
           'MIT', false, NULL, false, '2026-02-01', 'active', '2026-01-01'
    FROM made;
CREATE TEMP TABLE one AS
    SELECT repository_id, 'skills/skill-' || number AS path, 'skill-' || number AS slug, first + number AS n
    FROM (SELECT repository_id, first, unnest(range(size)) AS number FROM made);
CREATE TEMP TABLE described AS
    SELECT *, ({changed}) AS changed, sha256(n || (CASE WHEN {changed} THEN 'x' ELSE '' END)) AS digest FROM one;
INSERT INTO skill
    SELECT repository_id, path, owner, name, slug, 'listed', CASE WHEN n % 6 = 0 THEN 'strict' ELSE 'loadable' END,
           slug, 'Does the work of step ' || n || ' whenever somebody asks for a report of it'
           || CASE WHEN changed THEN ', anew.' ELSE '.' END, 'SKILL.md',
           '0.0.1', 'sha256:' || digest, 'MIT', true, stars, '2026-01-01', '2026-02-01', NULL,
           CASE WHEN n % 9 = 0 THEN 'findings' ELSE 'no findings' END
    FROM described JOIN repository USING (repository_id);
INSERT INTO version
    SELECT repository_id, path, 1, '0.0.1', 'sha256:' || digest, sha1(repository_id::VARCHAR), '2026-02-01',
           '2026-02-01', 'strict', 'MIT', 'repository: LICENSE', true, 'no findings', '1+0123456789ab'
    FROM described;
INSERT INTO package SELECT 'sha256:' || digest, 'sha256:' || sha256(digest), 4000, 9000, 3 FROM described;
INSERT INTO file
    SELECT 'sha256:' || digest, unnest(['SKILL.md', 'docs/report.md', 'scripts/run.py']), 420, 3000, sha256(digest)
    FROM described;
INSERT INTO document
    SELECT repository_id, path, json_object('name', slug, 'license', 'MIT'),
           '---' || chr(10) || 'name: ' || slug || chr(10) || '---' || chr(10) || '# Step ' || n || chr(10) || chr(10)
           || list_aggregate(list_transform(range(8 + (hash(n) % 90)::INTEGER), lambda i: '{sentence}' || i || '.'
           || chr(10) || chr(10) || CASE WHEN i % 9 = 3 THEN '## Part ' || i || chr(10) || chr(10) || '- one' || chr(10)
           || '- [two](docs/report.md)' || chr(10) || chr(10) ELSE '' END), 'string_agg', '')
           || '```sh' || chr(10) || 'run ' || n || chr(10) || '```'
           || CASE WHEN changed THEN chr(10) || 'More.' ELSE '' END || chr(10)
    FROM described;
"""
