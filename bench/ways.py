"""What each way to get a repository's skills costs in bytes and requests, from the local GitHub's wire log.

For every repository, for the first time and with nothing stored:

    chosen    its trees without blobs, then the folders of its skills: what the crawl does
    trees     only these trees, from which everything else is decided
    whole     one fetch of the newest commit with all its files
    limited   the same, but without files that are too large for a package
    tarball   the archive of the newest commit

The real repositories are those of `crawl.py`, and otherwise the samples.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Container
from pathlib import Path
from statistics import median
from typing import NamedTuple, cast

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from crawl import _load, _tarball  # noqa: E402
from figures import Figure, main  # noqa: E402
from tests.standin import StandIn  # noqa: E402

from skillcrawler.fetch import Fetcher  # noqa: E402
from skillcrawler.fetched import Blob  # noqa: E402
from skillcrawler.github.signatures import Nobody  # noqa: E402
from skillcrawler.reader import Reader  # noqa: E402
from skillcrawler.stored import StoredBlobs  # noqa: E402
from skillcrawler.uploads import Uploads  # noqa: E402
from skilldata.config import Settings  # noqa: E402
from skilldata.models import Repository  # noqa: E402
from skilldata.objects import ObjectStore  # noqa: E402

WAYS = ("chosen", "trees", "whole", "limited", "tarball")
AFTER_TREES = ("whole", "limited", "tarball")


class Cost(NamedTuple):
    """What one way took for one repository."""

    size: int
    requests: int


def measure(quick: bool) -> list[Figure]:
    """Take every repository in every way."""
    with StandIn() as github, tempfile.TemporaryDirectory() as scratch:
        costs = [_costs(github, name, Path(scratch)) for name in _load(github, quick)]
    figures = [Figure("repositories", len(costs), "repositories")]
    for way in WAYS:
        total = sum(cost[way].size for cost in costs)
        requests = sum(cost[way].requests for cost in costs) / len(costs)
        figures += [
            Figure(f"{way}: bytes, all together", total / 1e6, "MB"),
            Figure(f"{way}: bytes beside the chosen way, median", _median(costs, way), "ratio"),
            Figure(f"{way}: git or archive requests for each", requests, "requests"),
        ]
    chosen = sum(cost["chosen"].size for cost in costs)
    for way in AFTER_TREES:
        # What it saves where it is known beforehand to be cheaper than what the crawl does after the trees.
        saved = [cost["chosen"].size - cost["trees"].size - cost[way].size for cost in costs]
        better = [one for one in saved if one > 0]
        figures += [
            Figure(f"{way} after the trees: cheaper than the chosen way", len(better), "repositories"),
            Figure(f"{way} after the trees: bytes saved there, of all", sum(better) / chosen * 100, "%"),
        ]
    return figures


def _median(costs: list[dict[str, Cost]], way: str) -> float:
    return median(cost[way].size / cost["chosen"].size for cost in costs)


def _costs(github: StandIn, name: str, scratch: Path) -> dict[str, Cost]:
    settings = Settings().model_copy(update={"github": Settings().github.model_copy(update={"git_url": github.url})})
    fetcher = Fetcher(settings.github, settings.crawl, scratch, Nobody())
    owner, _, last = name.partition("/")
    head = fetcher.head(owner, last)
    assert head is not None
    costs = {}
    for way in WAYS:
        github.reset_wire_log()
        if way == "chosen":
            _as_chosen(fetcher, owner, last, head[1], settings)
        elif way == "tarball":
            costs[way] = Cost(_tarball(github, name), 1)
            continue
        else:
            _whole(fetcher, github.url, name, head[1], scratch, _filter(way, settings))
        log = [one for one in github.wire_log() if one.kind == "git"]
        costs[way] = Cost(sum(one.bytes_out for one in log), len(log))
    return costs


def _as_chosen(fetcher: Fetcher, owner: str, name: str, oid: str, settings: Settings) -> None:
    repository = Repository(repository_id=1, node_id="", owner=owner, name=name, head_oid=oid)
    with fetcher.fetch(owner, name, oid) as fetched:
        reader = Reader(repository, fetched, settings, cast("StoredBlobs", _Nothing()))
        reader.choose((), everything=True)
        with Uploads(cast("ObjectStore", _Nothing())) as uploads:
            next(reader.read(uploads), None)  # everything is fetched before the first is read


def _whole(fetcher: Fetcher, github_url: str, name: str, oid: str, scratch: Path, limit: str) -> None:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        owner, _, last = name.partition("/")
        fetcher.git.run(name, None, "init", "--quiet", "--bare", folder)
        command = (*fetcher.command(f"{github_url}/{owner}/{last}.git"), "--depth=1", limit, "origin", oid)
        fetcher.git.transfer(name, Path(folder), *command)


def _filter(way: str, settings: Settings) -> str:
    limited = f"--filter=blob:limit={settings.package.max_file_bytes + 1}"
    return {"trees": "--filter=blob:none", "whole": "--no-filter", "limited": limited}[way]


class _Nothing:
    """A store that has nothing and takes everything."""

    damaged: frozenset[str] = frozenset()

    def find(self, _oids: Collection[str]) -> Container[str]:
        return ()

    def read(self, _oid: str) -> Blob | None:
        return None

    def put_if_absent(self, _key: str, _data: bytes, *, content_type: str) -> bool:
        return bool(content_type)


if __name__ == "__main__":
    main(__doc__ or "", measure)
