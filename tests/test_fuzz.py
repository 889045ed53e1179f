"""Inputs that fuzzing found, and those that it starts from, hold for good; bombs leave other skills alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Registry
from tests.fuzz import NAMES
from tests.fuzz.targets import TARGETS
from tests.standin import File, StandIn
from tests.test_crawl import SKILL, Crawler

INPUTS = Path(__file__).parent / "fuzz" / "inputs"
KEPT = [(name, path) for name in TARGETS for path in sorted((INPUTS / name).glob("*")) if path.is_file()]


@pytest.mark.parametrize(("target", "path"), KEPT, ids=lambda value: getattr(value, "name", value))
def test_what_was_found_once_holds(target: str, path: Path) -> None:
    TARGETS[target](path.read_bytes())


def test_every_target_has_inputs() -> None:
    assert {name for name, _ in KEPT} == set(TARGETS) == set(NAMES)


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.binary(max_size=600))
def test_any_bytes_hold(target: str, data: bytes) -> None:
    TARGETS[target](data)


def hostile_skills() -> dict[str, str | bytes | File | None]:
    """Skills that are each a bomb of another kind, by folder."""
    head = "---\nname: {name}\ndescription: Does a thing.\n"
    yaml_bomb = head.format(name="aliases") + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'lol'}]\n" for n in range(9)
    )
    deep = head.format(name="deep") + "metadata:\n  x: " + "[" * 5000 + "\n---\n"
    return {
        "aliases/SKILL.md": yaml_bomb + "---\n",
        "deep/SKILL.md": deep,
        "large/SKILL.md": SKILL.format(name="large"),
        "large/zeros.bin": bytes(6 * 1024 * 1024),
        "many/SKILL.md": SKILL.format(name="many"),
        **{f"many/{number}.txt": "x" for number in range(600)},
        "device/SKILL.md": SKILL.format(name="device"),
        "device/con.txt": "x",
        "cycle/SKILL.md": File(b"other", "120000"),
        "cycle/other": File(b"SKILL.md", "120000"),
        "fold/SKILL.md": SKILL.format(name="fold"),
        "fold/one": File(b"../fold", "120000"),
        "out/SKILL.md": File(b"../../../../etc/passwd", "120000"),
    }


@pytest.fixture
def crawler(registry: Registry) -> Iterator[Crawler]:
    with Crawler(registry) as made:
        yield made


def test_bombs_are_refused_by_name_and_leave_other_skills_alone(
    registry: Registry, crawler: Crawler, github: StandIn
) -> None:
    github.add_repository("acme/tools", {**hostile_skills(), "good/SKILL.md": SKILL.format(name="good")})
    crawler.crawl("acme/tools")
    rows = registry.rows(
        "SELECT path, state, array_agg(rule ORDER BY rule) FILTER (WHERE diagnostic.level = 'error')"
        ' FROM skill LEFT JOIN diagnostic USING (skill_id) GROUP BY path, state ORDER BY path COLLATE "C"'
    )
    found = {path: (state, set(rules or ())) for path, state, rules in rows}
    assert found == {
        "aliases": ("refused", {"yaml.alias"}),
        "cycle": ("refused", {"link.manifest"}),
        "deep": ("refused", {"yaml.too-deep"}),
        "device": ("refused", {"path.windows-name"}),
        "fold": ("listed", set()),
        "good": ("listed", set()),
        "large": ("refused", {"package.file-too-large"}),
        "many": ("refused", {"package.too-many-files"}),
        "out": ("refused", {"link.manifest"}),
    }
