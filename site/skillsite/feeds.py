"""Atom feeds (RFC 4287): of everything, of an owner, a repository, a topic and a skill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import nlargest
from itertools import groupby
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from skilldata.snapshot import Skill, SkillSummary, Snapshot
from skillsite.addresses import Addresses, skill_path, topic_path
from skillsite.pages import path_or_none
from skillsite.visible import one_line

FEED = "feed.atom"  # in the folder of a list
SKILL_FEED = ".atom"  # behind the path of a skill
ENTRIES = 30


class Entry(NamedTuple):
    """One entry: an id that is never used for another, the page's path, title, text, and when it changed."""

    identifier: str
    path: str
    title: str
    text: str
    updated: datetime
    author: str


def newest(skills: Iterable[SkillSummary]) -> list[SkillSummary]:
    """Choose the skills that a feed has, the one that changed last first."""
    return nlargest(ENTRIES, skills, key=lambda skill: (skill.updated_at, skill.address))


def skills_feed(
    path: str, title: str, page: str, skills: Sequence[SkillSummary], addresses: Addresses, since: datetime
) -> bytes:
    """Make the feed of a list of skills.

    Args:
        path: Where the feed is.
        title: What it is about.
        page: Path of the list's page.
        skills: What is in it, newest first.
        addresses: Where pages are.
        since: Time of a feed without entries.
    """
    found = [entry for skill in skills if (entry := _of_summary(skill))]
    return _feed(path, title, page, found, addresses, since)


def skill_feed(skill: Skill, addresses: Addresses) -> bytes:
    """Make the feed of a skill: an entry for each of its versions, newest first.

    Raises:
        AddressError: Owner, repository or slug cannot be part of an address.
    """
    summary = skill.summary
    path = skill_path(summary.owner, summary.repository, summary.slug)
    title = one_line(summary.name or summary.slug or "", 120)
    entries = [
        Entry(
            f"{path}#{version.content_digest}-{version.ordinal}",
            path + ".html",
            f"{title} {version.label}",
            f"{version.file_count} files, commit {version.revision}, scanner: {version.verdict}",
            version.created_at,
            summary.owner,
        )
        for version in skill.versions[:ENTRIES]
    ]
    return _feed(path + SKILL_FEED, title, path + ".html", entries, addresses, summary.first_seen_at)


def topic_feeds(snapshot: Snapshot, addresses: Addresses) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the feed of every topic."""
    rows = ((row[0], SkillSummary(*row[1:])) for row in snapshot.query(_NEWEST_BY_TOPIC, [ENTRIES]))
    for topic, group in groupby(rows, key=lambda row: row[0]):
        if folder := path_or_none(topic_path, topic):
            skills = [skill for _, skill in group]
            yield (
                folder + FEED,
                skills_feed(folder + FEED, f"Topic {topic}", folder, skills, addresses, snapshot.info.as_of),
            )


def whole_feed(snapshot: Snapshot, addresses: Addresses, title: str) -> tuple[str, bytes]:
    """Make path and content of the feed of everything."""
    skills = [SkillSummary(*row) for row in snapshot.query(_NEWEST, [ENTRIES])]
    return FEED, skills_feed(FEED, title, "index.html", skills, addresses, snapshot.info.as_of)


def _of_summary(skill: SkillSummary) -> Entry | None:
    path = path_or_none(skill_path, skill.owner, skill.repository, skill.slug)
    if path is None:
        return None
    return Entry(
        f"{path}#{skill.content_digest}",
        path + ".html",
        f"{one_line(skill.name or skill.slug or '', 120)} {skill.label or ''}".strip(),
        one_line(skill.description, 500),
        skill.updated_at,
        skill.owner,
    )


def _feed(path: str, title: str, page: str, entries: Sequence[Entry], addresses: Addresses, since: datetime) -> bytes:
    own = addresses.canonical(path)
    updated = max((entry.updated for entry in entries), default=since)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{escape(own)}</id>\n<title>{_text(title)}</title>\n<updated>{_time(updated)}</updated>\n"
        f'<link rel="self" href={quoteattr(own)}/>\n<link href={quoteattr(addresses.canonical(page))}/>\n'
    )
    parts = [
        f"<entry>\n<id>{escape(addresses.canonical(entry.identifier))}</id>\n<title>{_text(entry.title)}</title>\n"
        f"<updated>{_time(entry.updated)}</updated>\n<author><name>{_text(entry.author)}</name></author>\n"
        f"<link href={quoteattr(addresses.canonical(entry.path))}/>\n<summary>{_text(entry.text)}</summary>\n</entry>\n"
        for entry in entries
    ]
    return (head + "".join(parts) + "</feed>\n").encode(errors="replace")


def _text(text: str) -> str:
    # XML has no way to write most control characters; one_line has made marks of them, all but U+FFFE and U+FFFF.
    return escape(one_line(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_NEWEST = "SELECT * FROM skill WHERE state = 'listed' ORDER BY updated_at DESC, owner, repository, slug, path LIMIT ?"
_NEWEST_BY_TOPIC = """
    SELECT topic, skill.* FROM skill
    JOIN (SELECT DISTINCT repository_id, unnest(from_json(topics, '["VARCHAR"]')) AS topic FROM repository)
    USING (repository_id) WHERE state = 'listed'
    QUALIFY row_number() OVER (PARTITION BY topic ORDER BY updated_at DESC, owner, repository, slug, path) <= ?
    ORDER BY topic, updated_at DESC, owner, repository, slug, path
"""
