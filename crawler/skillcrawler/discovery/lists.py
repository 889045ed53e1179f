"""Lists of repositories: any text with links to github.com, such as the "awesome" lists."""

from __future__ import annotations

from itertools import islice

from skillcrawler.discovery.addresses import RepositoryName, find_links

MAX_NAMES = 5000  # of one file


def read_list(content: bytes) -> list[RepositoryName]:
    """Read the repositories that a text or Markdown file links to; of a hostile one at most `MAX_NAMES`."""
    return list(islice(find_links(content.decode("utf-8", "replace")), MAX_NAMES))
