"""Where a package came from, as a statement that other tools can read and a key can sign.

The statement is an in-toto Statement v1 with a SLSA provenance v1 predicate (in-toto attestation
framework, spec/v1/statement.md; slsa.dev, provenance/v1). It holds no time and no host name: packaging the
same commit again gives the same bytes.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from skilldata.models import Package

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://agent-skill-registry.example/docs/formats/#package-v1"
BUILDER = "https://agent-skill-registry.example/crawler"


class Origin(NamedTuple):
    """The folder of a repository that a package was made from."""

    repository_id: int  # GitHub's number, which stays when the name changes
    repository: str  # owner/name at the time
    commit: str
    tree_oid: str | None  # git tree of the folder, where known
    path: str  # '' is the root
    host: str = "https://github.com"


def provenance_statement(name: str, package: Package, origin: Origin, *, version: str) -> dict[str, Any]:
    """Say what a package was made from.

    Args:
        name: File name of the package.
        package: The package.
        origin: Its source.
        version: Version of the registry's software that made it.

    Returns:
        The statement; `canonical_json` gives the bytes to sign and store.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": _sha256(package.package_digest)}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "repositoryId": origin.repository_id,
                    "repository": f"{origin.host}/{origin.repository}",
                    "path": origin.path,
                },
                "resolvedDependencies": _dependencies(origin),
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": {"agentskillregistry": version}},
                "byproducts": [{"name": "content-listing", "digest": _sha256(package.content_digest)}],
            },
        },
    }


def canonical_json(statement: dict[str, Any]) -> bytes:
    """Return a statement as bytes, the same for the same content.

    Keys sorted, no spaces, UTF-8: for what statements hold (ASCII keys, text and whole numbers) this is
    the canonical form of RFC 8785.
    """
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _dependencies(origin: Origin) -> list[dict[str, Any]]:
    uri = f"git+{origin.host}/{origin.repository}"
    dependencies = [{"name": "repository", "uri": uri, "digest": {"gitCommit": origin.commit}}]
    if origin.tree_oid is not None:
        dependencies.append({"name": "folder", "uri": uri, "digest": {"gitTree": origin.tree_oid}})
    return dependencies


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest.removeprefix("sha256:")}
