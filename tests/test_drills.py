"""The short drills pass; `make drills` does the others, and those of a crawl that are tests elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills import loss, serving
from tests.drills.__main__ import DRILLS
from tests.drills.drill import Drill, Stage
from tests.faultruns import World, make_world
from tests.standin import StandIn

SHORT = [drill for drill in (*serving.DRILLS, *loss.DRILLS) if drill.short]


@pytest.fixture(scope="module")
def stage(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    scratch = tmp_path_factory.mktemp("drills")
    with StandIn() as github:
        world: World = make_world(embedded, github, scratch)
        yield Stage(embedded, github, scratch, world, quick=True)


@pytest.mark.parametrize("drill", SHORT, ids=lambda drill: drill.name)
def test_a_short_drill_passes(stage: Stage, drill: Drill) -> None:
    done = drill.act(stage)
    assert done.wrong == []
    assert done.measured


def test_drills_go_by_different_names() -> None:
    assert len({drill.name for drill in DRILLS}) == len(DRILLS) >= 20
