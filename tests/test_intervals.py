"""How long repositories wait between looks."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from skilldata.intervals import DEFAULT_BOUNDS, Bounds, next_wait

waits = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400))
maybe_waits = st.none() | waits


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    shortest, longest = sorted((draw(waits), draw(waits)))
    return Bounds(shortest, longest)


@given(before=maybe_waits, changed=st.booleans(), still=maybe_waits, bounds=bounds())
def test_a_wait_stays_within_its_bounds(
    before: timedelta | None, changed: bool, still: timedelta | None, bounds: Bounds
) -> None:
    assert bounds.shortest <= next_wait(before, changed=changed, still=still, bounds=bounds) <= bounds.longest


@given(before=waits, still=maybe_waits, bounds=bounds())
def test_a_change_never_lengthens_a_wait_and_stillness_never_shortens_it(
    before: timedelta, still: timedelta | None, bounds: Bounds
) -> None:
    inside = bounds.clamp(before)
    assert next_wait(before, changed=True, still=still, bounds=bounds) <= inside
    assert next_wait(before, changed=False, still=still, bounds=bounds) >= inside


@given(first=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_one_that_is_still_comes_to_wait_as_long_as_any(first: timedelta) -> None:
    wait = next_wait(None, changed=False, still=first, bounds=DEFAULT_BOUNDS)
    for _ in range(20):
        wait = next_wait(wait, changed=False, still=None, bounds=DEFAULT_BOUNDS)
    assert wait == DEFAULT_BOUNDS.longest


@given(
    first=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)),
    period=st.timedeltas(min_value=timedelta(hours=4), max_value=timedelta(days=5)),
)
def test_one_that_changes_steadily_is_looked_at_about_as_often(first: timedelta, period: timedelta) -> None:
    wait = next_wait(None, changed=False, still=first, bounds=DEFAULT_BOUNDS)
    clock, seen, waits = timedelta(), 0, []
    while clock < 200 * period:
        clock += wait
        newest = clock // period
        wait = next_wait(wait, changed=newest > seen, still=None, bounds=DEFAULT_BOUNDS)
        seen = newest
        waits.append(wait)
    settled = waits[len(waits) // 2 :]
    average = sum(settled, timedelta()) / len(settled)
    assert period / 4 <= average <= 2 * period


def test_the_more_recent_the_last_push_the_sooner_the_first_look() -> None:
    still = [timedelta(hours=1), timedelta(days=5), timedelta(days=30), timedelta(days=3650)]
    first = [next_wait(None, changed=False, still=one, bounds=DEFAULT_BOUNDS) for one in still]
    assert first == [timedelta(hours=1), timedelta(hours=12), timedelta(days=3), timedelta(days=7)]
    assert next_wait(None, changed=False, still=None, bounds=DEFAULT_BOUNDS) == DEFAULT_BOUNDS.longest
