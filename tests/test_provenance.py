"""A provenance statement names what a package is and what it was made from, in the same bytes each time."""

from __future__ import annotations

import hashlib
import json

from skillcrawler.archive import BuiltPackage, SourceFile, build_package
from skillcrawler.provenance import Origin, canonical_json, provenance_statement
from skilldata.config import PackageSettings
from skilldata.models import Package

COMMIT, TREE = "c" * 40, "d" * 40
ORIGIN = Origin(4711, "acme/tools", COMMIT, TREE, "skills/naïve")


def package() -> tuple[Package, bytes]:
    built = build_package([SourceFile("SKILL.md", 0o100644, b"x")], PackageSettings())
    assert isinstance(built, BuiltPackage)
    return built.package, built.data


def test_the_subject_is_the_zip_by_its_bytes() -> None:
    made, data = package()
    statement = provenance_statement("naive.zip", made, ORIGIN, version="0.1.0")
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"] == [{"name": "naive.zip", "digest": {"sha256": hashlib.sha256(data).hexdigest()}}]


def test_it_says_what_the_package_was_made_from_and_by_what() -> None:
    made, _ = package()
    predicate = provenance_statement("naive.zip", made, ORIGIN, version="0.1.0")["predicate"]
    build, run = predicate["buildDefinition"], predicate["runDetails"]
    assert build["externalParameters"] == {
        "repositoryId": 4711,
        "repository": "https://github.com/acme/tools",
        "path": "skills/naïve",
    }
    uri = "git+https://github.com/acme/tools"
    assert build["resolvedDependencies"] == [
        {"name": "repository", "uri": uri, "digest": {"gitCommit": COMMIT}},
        {"name": "folder", "uri": uri, "digest": {"gitTree": TREE}},
    ]
    assert run["builder"]["version"] == {"agentskillregistry": "0.1.0"}
    assert run["byproducts"] == [
        {"name": "content-listing", "digest": {"sha256": made.content_digest.removeprefix("sha256:")}}
    ]
    for address in (build["buildType"], run["builder"]["id"]):
        assert address.startswith("https://")


def test_an_unknown_tree_is_left_out() -> None:
    made, _ = package()
    statement = provenance_statement("x.zip", made, ORIGIN._replace(tree_oid=None), version="0")
    dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert [dependency["name"] for dependency in dependencies] == ["repository"]


def test_its_bytes_are_canonical() -> None:
    made, _ = package()
    raw = canonical_json(provenance_statement("x.zip", made, ORIGIN, version="0"))
    assert raw == canonical_json(json.loads(raw))
    assert raw == canonical_json(dict(reversed(json.loads(raw).items())))
    assert b" " not in raw
    assert "naïve".encode() in raw
    assert raw.startswith(b'{"_type":"https://in-toto.io/Statement/v1","predicate":{"buildDefinition"')
