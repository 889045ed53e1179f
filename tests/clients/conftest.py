"""What the clients install from: one published tree, and the API over the same snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import node
from tests.clients.published import Tree, serving_api
from tests.serving import served
from tests.snapshots import SAMPLES

# Not skipped but left out: only `make clients` installs them.
collect_ignore = [] if (node.LARGE / "node_modules").exists() else ["test_claude_code.py", "test_opencode.py"]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """The samples, published as files."""
    folder = tmp_path_factory.mktemp("published")
    with served(folder / "public") as url:
        made = Tree(folder, url)
        made.publish("one", SAMPLES)
        yield made


@pytest.fixture
def own_tree(tmp_path: Path) -> Iterator[Tree]:
    """A tree of a test's own, to publish to again."""
    with served(tmp_path / "tree" / "public") as url:
        yield Tree(tmp_path / "tree", url)


@pytest.fixture(scope="session")
def api(tree: Tree) -> Iterator[str]:
    """The API over the snapshot of the tree, with addresses of its own."""
    with serving_api(tree.folder / "one") as url:
        yield url
