"""The choice of the cheapest way, which is pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skillcrawler.ways import Order, Wanted, Way, first_way, order

oids = st.text("abcdef", min_size=1, max_size=1)
folders = st.builds(Wanted, st.none() | st.text("TUVW", min_size=1, max_size=1), st.lists(oids, max_size=4))


@given(st.lists(oids), st.lists(folders, max_size=4), st.sets(oids))
def test_nothing_that_is_here_is_asked_for_and_nothing_missing_is_forgotten(
    single: list[str], wanted: list[Wanted], have: set[str]
) -> None:
    asked = order(single, wanted, have)
    assert not have & set(asked.blobs)
    by_tree = [folder for folder in wanted if folder.tree_oid in asked.trees]
    covered = {*asked.blobs, *(oid for folder in by_tree for oid in folder.blobs)}
    assert {*single, *(oid for folder in wanted for oid in folder.blobs)} - have <= covered


def test_a_folder_comes_by_its_tree_only_where_nothing_of_it_is_here() -> None:
    assert order([], [Wanted("T", ["a", "b"])], set()) == Order((), ("T",))
    assert order([], [Wanted("T", ["a", "b"])], {"a"}) == Order(("b",), ())
    assert order([], [Wanted(None, ["a"])], set()) == Order(("a",), ())
    assert order([], [Wanted("T", [])], set()) == Order((), ())


def test_each_way_has_its_name() -> None:
    assert order(["a"], [], {"a"}).way is Way.NOTHING
    assert order(["a"], [], set()).way is Way.BLOBS
    assert order(["a"], [Wanted("T", ["b"])], set()).way is Way.FOLDERS
    assert first_way("a" * 40, "a" * 40) is Way.NOTHING
    assert first_way(None, None) is Way.NOTHING
    assert first_way("a" * 40, None) is Way.TREES
