"""Crawls that go wrong and end in the index of an undisturbed one; `bench/faults.py` has the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Registry
from tests.faultruns import CASES, World, make_world, state
from tests.standin import StandIn

# Each has a way to go wrong of its own, and takes seconds.
SHORT = (
    "429 with Retry-After, ten times over",
    "streams cut at every 64 KiB",
    "one wrong bit in each of five packs",
    "PostgreSQL restarts",
    "20 crawls of one repository at once",
)


@pytest.fixture(scope="module")
def world(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with StandIn() as github:
        yield make_world(embedded, github, tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("name", SHORT)
def test_the_index_and_the_packages_are_those_of_an_undisturbed_crawl(world: World, name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    result = world.run(case)
    assert result.different == []
    assert result.hit >= sum(fault.count or 1 for fault in case.faults), "what was to go wrong did not"
    if "Retry-After" in name:
        assert result.early == 0


def test_a_comparison_sees_what_is_missing(world: World, registry: Registry) -> None:
    assert world.different(state(registry)) == list(world.expected)
