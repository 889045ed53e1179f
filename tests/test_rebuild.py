"""`rebuild-index`: with neither database nor backup, the object store alone gives the index back."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillcrawler.rebuild import rebuild
from skilldata.objects import package_key
from skilldata.reindex import RebuildError
from tests.conftest import Registry, new_registry
from tests.faultruns import SAMPLES, index
from tests.standin import StandIn
from tests.test_end_to_end import run

SKILL = "---\nname: {name}\ndescription: {text}\nlicense: MIT\n---\nBody.\n"
HIDDEN = "SELECT path, skill_takedown.state, reason FROM skill_takedown JOIN skill USING (skill_id) ORDER BY 1"
VERSIONS = """
    SELECT repository_id, path, ordinal, label, content_digest, revision, name, description, manifest::text, text
    FROM version JOIN skill USING (skill_id) ORDER BY 1, 2, 3
"""


def test_the_index_comes_back_from_the_object_store(
    registry: Registry, github: StandIn, embedded: Path, tmp_path: Path
) -> None:
    names = [*github.load_folder(SAMPLES), "acme/tools"]
    files = {f"{name}/SKILL.md": SKILL.format(name=name, text="One.") for name in ("a", "b", "c")}
    github.add_repository("acme/tools", files)
    run(registry, "crawl", "--wait", *names)
    github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a", text="Two.")})
    run(registry, "crawl", "--wait", "acme/tools")
    run(registry, "skill", "quarantine", "acme/tools/b", "--reason", "odd")
    run(registry, "skill", "block", "evil", "--reason", "spam")
    run(registry, "publish")
    # Crawled, and lost before it was published.
    github.add_repository("acme/later", {"d/SKILL.md": SKILL.format(name="d", text="Later.")})
    run(registry, "crawl", "--wait", "--no-publish", "acme/later")
    with new_registry(embedded, github, tmp_path / "new") as new:
        new.environment["SKILLREGISTRY_S3__BUCKET"] = registry.settings.s3.bucket
        done = run(new, "rebuild-index")
        assert (done["missing"], done["found"], done["crawl"]) == (0, 1, ["acme/later"])
        assert new.rows(VERSIONS) == [row for row in registry.rows(VERSIONS) if row[1] != "d"]
        assert new.rows(HIDDEN) == registry.rows(HIDDEN) == [("b", "quarantined", "odd")]
        assert new.rows("SELECT owner FROM ruling WHERE owner IS NOT NULL") == [("evil",)]
        run(new, "crawl", "--wait", *names, *done["crawl"])
        assert new.rows(VERSIONS) == registry.rows(VERSIONS)
        found, wanted = index(new), index(registry)
        different = {name: set(wanted[name]) ^ set(found[name]) for name in wanted if name != "event"}
        # Whether what is hidden might be redistributed, the snapshot does not tell.
        assert {name for name, rows in different.items() if rows} <= {"version"}
        assert {row[1] for row in different["version"]} <= {"b"}
        assert all(not one["problems"] for one in run(new, "fsck"))
        assert new.objects.size(package_key(str(registry.rows(PACKAGE_OF_B)[0][0]))) is None


PACKAGE_OF_B = """
    SELECT package_digest FROM skill JOIN version ON version_id = current_version_id JOIN package USING (content_digest)
    WHERE path = 'b'
"""


def test_an_index_that_has_rows_is_not_touched(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a", text="One.")})
    run(registry, "crawl", "--wait", "acme/tools")
    with pytest.raises(RebuildError, match="not empty"):
        rebuild(registry.settings, registry.objects)
