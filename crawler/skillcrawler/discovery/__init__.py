"""Finding repositories.

- `runs`          one run of a source, saved after every request; start here
- `sources`       what each kind of source asks, and in which order
- `partition`     how a search is read past its 1,000th result, in the pieces of `slices`
- `forks`         which forks count
- `marketplace`, `lists`, `lockfiles`, `addresses`   names of repositories in files that others wrote
- `references`    such files in repositories that are crawled anyway
"""

from __future__ import annotations

from skillcrawler.discovery.references import REFERENCE_FILES, read_references
from skillcrawler.discovery.runs import Discoverer, Progress

__all__ = ["REFERENCE_FILES", "Discoverer", "Progress", "read_references"]
