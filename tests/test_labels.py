"""Version labels: valid, unique and rising, whatever authors write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from skilldata.labels import next_label


@pytest.mark.parametrize(("labels", "stated", "expected"), [
    ([], None, "0.0.1"),
    (["0.0.1"], None, "0.0.2"),
    (["0.0.1"], "1.0.0", "1.0.0"),
    (["0.0.1", "1.2.0"], "1.2.0", "1.2.1-registry.1"),
    (["1.2.0", "1.2.1-registry.9"], None, "1.2.1-registry.10"),
    (["1.2.0", "1.2.1-registry.1"], "1.2.1", "1.2.1"),
    ([], "v1.0", "0.0.1"),
    ([], "1.0.0+build.5", "1.0.0"),
])  # fmt: skip
def test_labels(labels: list[str], stated: str | None, expected: str) -> None:
    assert next_label(labels, stated) == expected


@given(st.lists(st.one_of(st.none(), st.text(max_size=8), st.from_regex(r"\A[0-3]\.[0-3]\.[0-3](-[a-c]\.[0-9])?\Z"))))
def test_labels_always_rise(stated: list[str | None]) -> None:
    labels: list[str] = []
    for one in stated:
        labels.append(next_label(labels, one))
    versions = [Version.parse(label) for label in labels]
    assert versions == sorted(versions)
    assert len(set(labels)) == len(labels)
