"""Lists of skills by a value: all, by level, verdict, licence, category and topic; and the lists of those values.

A list shows the skills with the most stars, a thousand at most: whoever wants all goes by owner, or searches. So a
change of one skill never makes a thousand pages new, and a page that nobody would turn to is not made. The snapshot is
first asked for one digest a page; only pages whose digest is new are read and rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from skilldata.snapshot import SkillSummary, Snapshot
from skillsite import records
from skillsite.addresses import (
    category_path,
    level_path,
    licence_path,
    list_page,
    owner_path,
    topic_path,
    verdict_path,
)
from skillsite.feeds import FEED
from skillsite.pages import LEVELS, Crumb, Page, entries, path_or_none, skill_row
from skillsite.scanner import words_of

SKILLS_PER_PAGE = 100
MAX_LISTED = 1000
NAMES_PER_PAGE = 400
SKILLS = Crumb("Skills", "skills/")
BROWSE = Crumb("Browse", "browse/")
OWNERS = Crumb("Owners", "owners/")
TOPICS = Crumb("Topics", "topics/")
LICENCES = Crumb("Licences", "licences/")


class Pager(NamedTuple):
    """Where a page stands in its list: `number` of `last`, with the files of its neighbours.

    `total` skills are in the list; `listed` of them are on its pages.
    """

    number: int
    last: int
    total: int
    listed: int
    previous: str | None
    next: str | None


class Facet(NamedTuple):
    """One way to put skills into lists: a key of `records.LISTS`, path, words and way of the list of a value."""

    by: str
    path: Callable[[str], str]
    words: Callable[[str | None], tuple[str, str]]
    crumbs: tuple[Crumb, ...]


class ListPage(NamedTuple):
    """A page of a list that is not read yet: where it goes, and a digest over what it will show."""

    facet: Facet
    key: records.ListKey
    path: str


def plan_lists(snapshot: Snapshot) -> Iterator[ListPage]:
    """Yield every page of every list, unread, in a fixed order."""
    for facet in FACETS:
        keys = records.list_keys(snapshot, facet.by, per_page=SKILLS_PER_PAGE, most=MAX_LISTED)
        if facet.by == "all" and not keys:
            keys = [records.ListKey("", 1, 0, "")]
        for key in keys:
            if folder := path_or_none(facet.path, key.value):
                yield ListPage(facet, key, list_page(folder, key.page))


def read_lists(snapshot: Snapshot, wanted: Sequence[ListPage]) -> Iterator[tuple[ListPage, Page]]:
    """Read and lay out pages of lists, each with what it was planned as."""
    for facet in FACETS:
        planned = {(one.key.value, one.key.page): one for one in wanted if one.facet.by == facet.by}
        if facet.by == "all" and ("", 1) in planned and not planned["", 1].key.total:
            yield planned["", 1], _list(planned["", 1], [])
            continue
        for value, page, skills in records.list_rows(
            snapshot, facet.by, list(planned), per_page=SKILLS_PER_PAGE, most=MAX_LISTED
        ):
            yield planned[value, page], _list(planned[value, page], skills)


def name_pages(snapshot: Snapshot) -> Iterator[Page]:
    """Yield the pages that list owners, topics and licences, and the one that leads to all ways to browse."""
    yield from _name_list(snapshot, "owner", OWNERS, owner_path, "Everyone who has a listed skill, most skills first.")
    yield from _name_list(
        snapshot, "topic", TOPICS, topic_path, "Topics that authors gave to their repositories, most skills first."
    )
    yield from _name_list(
        snapshot, "licence", LICENCES, licence_path, "Licences of the listed skills, most skills first."
    )
    yield _browse(snapshot)


def pager_of(folder: str, number: int, total: int, size: int, *, most: int | None = None) -> Pager:
    """Place page `number` (from 1) of a list of `total` rows, `size` a page, of which `most` are shown."""
    listed = total if most is None else min(total, most)
    last = max(1, -(-listed // size))
    return Pager(
        number=number,
        last=last,
        total=total,
        listed=listed,
        previous=list_page(folder, number - 1) if number > 1 else None,
        next=list_page(folder, number + 1) if number < last else None,
    )


def numbered(title: str, number: int) -> str:
    """Give the title of a page of a list."""
    return title if number == 1 else f"{title}, page {number}"


def _list(planned: ListPage, skills: Sequence[SkillSummary]) -> Page:
    facet, key, path = planned
    folder = facet.path(key.value)
    title, lead = facet.words(key.value or None)
    pager = pager_of(folder, key.page, key.total, SKILLS_PER_PAGE, most=MAX_LISTED)
    feed = {"all": FEED, "topic": folder + FEED}.get(facet.by)
    context = {"lead": lead, "rows": [skill_row(skill) for skill in skills], "pager": pager, "unit": "skills"}
    return Page(path, "list.html", numbered(title, key.page), lead, context, facet.crumbs, feed=feed)


def _name_list(snapshot: Snapshot, by: str, crumb: Crumb, make: Callable[[str], str], lead: str) -> Iterator[Page]:
    names = entries(records.read_tallies(snapshot, by), make)
    last = max(1, -(-len(names) // NAMES_PER_PAGE))
    for number in range(1, last + 1):
        start = (number - 1) * NAMES_PER_PAGE
        context = {
            "lead": lead,
            "entries": names[start : start + NAMES_PER_PAGE],
            "pager": pager_of(crumb.path, number, len(names), NAMES_PER_PAGE),
            "unit": crumb.text.lower(),
        }
        yield Page(list_page(crumb.path, number), "names.html", numbered(crumb.text, number), lead, context, (SKILLS,))


def _browse(snapshot: Snapshot) -> Page:
    def of(by: str, make: Callable[[str], str], most: int) -> list[object]:
        return [*entries(records.read_tallies(snapshot, by)[:most], make)]

    return Page(
        "browse/index.html",
        "browse.html",
        "Browse",
        "Skills by category, topic, licence, level and what the scanner says.",
        {
            "categories": of("category", category_path, 60),
            "topics": of("topic", topic_path, 60),
            "licences": of("licence", licence_path, 20),
            "levels": of("level", level_path, 5),
            "verdicts": of("verdict", verdict_path, 5),
            "owners": of("owner", owner_path, 30),
        },
        (SKILLS,),
    )


def _verdict_words(verdict: str | None) -> tuple[str, str]:
    words, meaning = words_of(verdict or "pending")
    return f"Scanner: {words}", meaning


def _licence_words(licence: str | None) -> tuple[str, str]:
    if licence:
        return f"Licence {licence}", f"Skills under {licence}, as found in the skill or its repository."
    return (
        "Without a licence",
        "Skills for which no licence was found. They are described and linked; their files are not handed out.",
    )


FACETS = (
    Facet(
        "all",
        lambda _: SKILLS.path,
        lambda _: ("All skills", "Every listed skill, those with the most stars first."),
        (),
    ),
    Facet("level", level_path, lambda value: (f"Level {value}", LEVELS.get(value or "", "")), (SKILLS, BROWSE)),
    Facet("verdict", verdict_path, _verdict_words, (SKILLS, BROWSE)),
    Facet("licence", licence_path, _licence_words, (SKILLS, LICENCES)),
    Facet(
        "category",
        category_path,
        lambda value: (f"Category {value}", f"Skills whose authors put them into the category {value}."),
        (SKILLS, BROWSE),
    ),
    Facet(
        "topic",
        topic_path,
        lambda value: (f"Topic {value}", f"Skills from repositories with the topic {value}."),
        (SKILLS, TOPICS),
    ),
)
