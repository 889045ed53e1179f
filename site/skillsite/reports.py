"""Pages about the registry as a whole: statistics with charts, what changed each day, why skills are not listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

from skilldata.snapshot import SkillSummary, Snapshot
from skillsite import records
from skillsite.addresses import (
    level_path,
    licence_path,
    owner_path,
    repository_path,
    skill_path,
    topic_path,
    verdict_path,
)
from skillsite.feeds import FEED
from skillsite.pages import Crumb, Entry, Page, entries, path_or_none
from skillsite.visible import one_line

STATISTICS = Crumb("Statistics", "stats/")
DAYS = 14  # of what changed
CHANGES_A_DAY = 25  # that are named
WEEKS, FEWEST_WEEKS = 52, 16  # of the chart of new skills
_TOP = 15
_RULES = 40
_CHART_WIDTH, _CHART_HEIGHT = 720, 160


class Bar(NamedTuple):
    """A bar of a list: `permille` of the longest, for the width."""

    entry: Entry
    permille: int


class Column(NamedTuple):
    """A column of a chart, in its coordinates, with what it stands for."""

    label: str
    value: int
    x: int
    y: int
    width: int
    height: int


class Day(NamedTuple):
    """What happened on a day: counts by kind, and some of the skills as kind, name, path and address."""

    date: str
    counts: dict[str, int]
    skills: list[tuple[str, str, str | None, str]]


class Reason(NamedTuple):
    """A rule for which folders are refused: how many, what its author can do, and one repository as an example."""

    rule: str
    folders: int
    remedy: str
    example: str
    path: str | None


def report_pages(snapshot: Snapshot) -> Iterator[Page]:
    """Yield the pages."""
    yield _statistics(snapshot)
    yield _changes(snapshot)
    yield _why(snapshot)


def _statistics(snapshot: Snapshot) -> Page:
    tallies = (
        ("By level", "level", level_path),
        ("By what the scanner says", "verdict", verdict_path),
        ("By licence", "licence", licence_path),
        ("Owners with the most skills", "owner", owner_path),
        ("Topics with the most skills", "topic", topic_path),
    )
    return Page(
        "stats/index.html",
        "stats.html",
        STATISTICS.text,
        "How many skills there are, since when, under which licences and with which findings.",
        {
            "info": snapshot.info,
            "weeks": columns(_weeks(snapshot)),
            "width": _CHART_WIDTH,
            "height": _CHART_HEIGHT,
            "bars": [
                (title, bars(entries(records.read_tallies(snapshot, by)[:_TOP], make))) for title, by, make in tallies
            ],
        },
        facts=dict(snapshot.info.counts),
    )


def bars(rows: Sequence[Entry]) -> list[Bar]:
    """Lay out a list of bars."""
    most = max((row.skills for row in rows), default=1)
    return [Bar(row, max(1, row.skills * 1000 // most)) for row in rows]


def columns(rows: Sequence[tuple[str, int]]) -> list[Column]:
    """Lay out a chart of columns, of at most `_CHART_WIDTH` by `_CHART_HEIGHT`."""
    if not rows:
        return []
    most = max(value for _, value in rows) or 1
    step = _CHART_WIDTH // len(rows)
    made = []
    for number, (label, value) in enumerate(rows):
        height = value * (_CHART_HEIGHT - 4) // most
        made.append(Column(label, value, number * step, _CHART_HEIGHT - height, max(1, step - 3), height))
    return made


def _weeks(snapshot: Snapshot) -> list[tuple[str, int]]:
    """Count the new skills of each of the last weeks, from the first that has one, or some before."""
    end = snapshot.info.as_of.date()
    first = end - timedelta(days=end.weekday(), weeks=WEEKS - 1)
    found = {str(week): number for week, number in snapshot.query(_NEW_BY_WEEK, [first])}
    weeks = [str(first + timedelta(weeks=number)) for number in range(WEEKS)]
    start = next((number for number, week in enumerate(weeks) if week in found), WEEKS)
    return [(week, found.get(week, 0)) for week in weeks[min(start, WEEKS - FEWEST_WEEKS) :]] if found else []


def _changes(snapshot: Snapshot) -> Page:
    since = (snapshot.info.as_of - timedelta(days=DAYS)).date()
    counts = {
        date: {kind: number for _, kind, number in rows}
        for date, rows in groupby(snapshot.query(_DAY_COUNTS, [since]), key=lambda row: str(row[0]))
    }
    named: dict[str, list[tuple[str, str, str | None, str]]] = {}
    for date, kind, *row in snapshot.query(_DAY_SKILLS, [since, CHANGES_A_DAY]):
        skill = SkillSummary(*row)
        name = one_line(skill.name or skill.slug or skill.path, 120)
        path = path_or_none(skill_path, skill.owner, skill.repository, skill.slug, ending=".html")
        named.setdefault(str(date), []).append((kind, name, path, one_line(skill.address, 200)))
    days = [Day(date, counts[date], named.get(date, [])) for date in sorted(counts, reverse=True)]
    return Page(
        "changes/index.html",
        "news.html",
        "What changed",
        f"New, changed and gone skills, day by day, over {DAYS} days.",
        {"days": days, "most": CHANGES_A_DAY},
        feed=FEED,
        facts={"days": [{"date": day.date, **day.counts, "skills": [row[3] for row in day.skills]} for day in days]},
    )


def _why(snapshot: Snapshot) -> Page:
    reasons = [
        Reason(rule, folders, remedy, f"{owner}/{name}", path_or_none(repository_path, owner, name))
        for rule, folders, remedy, owner, name in snapshot.query(_REFUSALS, [_RULES])
    ]
    return Page(
        "why/index.html",
        "why.html",
        "Why is my skill not listed?",
        "Where to see what was found in a repository, and what would mend it.",
        {"reasons": reasons, "counts": snapshot.info.counts},
        facts={"reasons": [{"rule": one.rule, "folders": one.folders, "remedy": one.remedy} for one in reasons]},
    )


_NEW_BY_WEEK = """
    SELECT date_trunc('week', first_seen_at)::DATE AS week, count(*) FROM skill
    WHERE state IN ('listed', 'gone') AND first_seen_at >= ? GROUP BY week ORDER BY week
"""
_CHANGED = """
    SELECT CASE WHEN state = 'gone' THEN gone_at WHEN updated_at::DATE > first_seen_at::DATE THEN updated_at
           ELSE first_seen_at END::DATE AS day,
           CASE WHEN state = 'gone' THEN 'gone' WHEN updated_at::DATE > first_seen_at::DATE THEN 'changed'
           ELSE 'new' END AS kind, *
    FROM skill WHERE state = 'listed' OR (state = 'gone' AND gone_at IS NOT NULL)
"""
_DAY_COUNTS = f"SELECT day, kind, count(*) FROM ({_CHANGED}) WHERE day > ? GROUP BY ALL ORDER BY day, kind"  # noqa: S608
_DAY_SKILLS = f"""
    SELECT * FROM ({_CHANGED}) WHERE day > ?
    QUALIFY row_number() OVER (PARTITION BY day ORDER BY stars DESC, owner, repository, slug, path) <= ?
    ORDER BY day, kind, stars DESC, owner, repository, slug, path
"""  # noqa: S608  our own text
_REFUSALS = """
    SELECT rule, count(DISTINCT (repository_id, path)) AS folders, any_value(d.remedy ORDER BY d.remedy),
           arg_max(s.owner, (s.stars, s.owner, s.repository)), arg_max(s.repository, (s.stars, s.owner, s.repository))
    FROM diagnostic d JOIN skill s USING (repository_id, path) WHERE s.state = 'refused' AND d.level = 'error'
    GROUP BY rule ORDER BY folders DESC, rule LIMIT ?
"""
