"""Search over a snapshot: what a person types finds what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skilldata.errors import SnapshotError
from skilldata.search import CursorError, Hit, Query, SearchIndex, Sort, build_search_index, words
from skilldata.search.copies import mark, marks
from skilldata.search.words import headings, joined, split_manifest
from skilldata.snapshot import SEARCH, Snapshot
from tests.snapshots import (
    ACME,
    EPOCH,
    SAMPLES,
    SampleRepository,
    SampleSkill,
    SampleVersion,
    make_snapshot,
    sample_skill,
    skill_text,
)

FAMOUS = SampleRepository("famous", "everything", stars=250_000, topics=("agent-skills", "testing"))
SMALL = SampleRepository("small", "kit", stars=0, topics=("csv", "pdf"))


def build(folder: Path, skills: list[SampleSkill]) -> SearchIndex:
    with Snapshot(make_snapshot(folder, skills)) as snapshot:
        build_search_index(snapshot, folder / SEARCH)
    return SearchIndex(folder / SEARCH)


def slugs(index: SearchIndex, text: str, **filters: object) -> list[str]:
    return [hit.slug for hit in index.search(Query(text, **filters)).hits]  # type: ignore[arg-type]


def addresses(hits: list[Hit]) -> list[str]:
    return [f"{hit.owner}/{hit.repository}/{hit.slug}" for hit in hits]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    """The skills of the shared fixture: hostile text, several scripts, a copy, refused and gone ones."""
    return build(tmp_path_factory.mktemp("samples"), list(SAMPLES))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    """Enough skills to rank, page and count."""
    licences = ["MIT", "Apache-2.0", None]
    repositories = [
        SampleRepository(
            f"owner{n % 4}", f"repo{n}", stars=n * 7 % 11, topics=("odd" if n % 2 else "even", f"t{n % 3}")
        )
        for n in range(12)
    ]
    skills = [
        sample_skill(
            repositories[n % 12],
            f"report-{n:03}",
            f"Writes the report number {n}.",
            f"# Report\n\n{'quarterly ' * (n % 5)}figures {n}\n",
            licence=licences[n % 3],
            level="strict" if n % 4 else "loadable",
        )
        for n in range(120)
    ]
    return build(tmp_path_factory.mktemp("many"), skills)


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    """Few skills, made for questions of order."""
    generic = "Work with pdf, csv and json files; a toolkit for pdf tables and csv joins."
    skills = [
        sample_skill(FAMOUS, "file-toolkit", generic, "# PDF\n\npdf csv pdf csv\n" * 20),
        sample_skill(FAMOUS, "pdf-reader", "Reads pdf documents.", "# Reading\n"),
        sample_skill(SMALL, "pdf", "Portable documents.", "# Documents\n"),
        sample_skill(SMALL, "csvtools", "Tables.", "# Tables\n"),
        sample_skill(SMALL, "release-notes", "Summarise what has changed.", "# How\n\nRead the changelogs first.\n"),
        sample_skill(SMALL, "kube-doctor", "Diagnose Kubernetes clusters.", "# Pods\n\nRestarting pods.\n"),
        sample_skill(SMALL, "cv-writer", "Polishes a résumé.", "# CV\n"),
        sample_skill(FAMOUS, "rare-word", "Nothing to see.", "# Body\n\nOnly here: zyzzogeton.\n"),
        sample_skill(
            SMALL,
            "tagged",
            "Has tags in its front matter.",
            "# T\n",
            manifest={"tags": ["metallurgy"], "metadata": {"keywords": "smelting, casting"}},
        ),
    ]
    return build(tmp_path_factory.mktemp("ranked"), skills)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    origins = [
        SampleRepository("loved", "kit", stars=500, topics=("x",)),
        SampleRepository("liked", "kit", stars=50, topics=("x", "y")),
        SampleRepository("liked", "fork", stars=5, topics=("y",), licence="Apache-2.0"),
    ]
    skills = [sample_skill(origin, "sorter", "Sorts things.", "# Sort\n", licence=origin.licence) for origin in origins]
    return build(tmp_path_factory.mktemp("copied"), [*skills, sample_skill(origins[1], "other", "More.", "# O\n")])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    said: dict[str, dict[str, object]] = {
        "one": {"tags": ["Data", "CSV"], "compatibility": "Works in Claude Code and Cursor"},
        "two": {"metadata": {"category": "Data Work", "keywords": "data, sql", "openclaw": {}}},
        "three": {"tags": 7, "metadata": ["x"], "compatibility": {"a": 1}, "category": None},
    }
    skills = [
        sample_skill(
            ACME,
            name,
            "Sorts things.",
            f"# {name}\n",
            manifest=manifest,
            versions=(SampleVersion("0.0.1", f"# {name}\n", day=day),),
        )
        for day, (name, manifest) in enumerate(said.items())
    ]
    return build(tmp_path_factory.mktemp("labelled"), skills)


class TestWords:
    @pytest.mark.parametrize("text", ["csv tools", "csv-tools", "csvTools", "CSV_Tools", "csvtools", "  CSVTools  "])
    def test_a_name_is_found_however_it_is_written(self, samples: SearchIndex, ranked: SearchIndex, text: str) -> None:
        assert slugs(samples, text)[0] == "csv-tools"
        assert slugs(ranked, text)[0] == "csvtools"

    @pytest.mark.parametrize(
        ("text", "slug"),
        [
            ("zyzzogeton", "rare-word"),  # in the body alone
            ("restart pod", "kube-doctor"),  # stemmed
            ("diagnosing cluster", "kube-doctor"),
            ("k8s", "kube-doctor"),  # a synonym
            ("kuber", "kube-doctor"),  # unfinished
            ("metallurgy", "tagged"),
            ("smelting", "tagged"),
            ("small notes", "release-notes"),  # the owner's name helps
            ("how to use a skill for changelog", "release-notes"),  # words that say nothing
            ("resume", "cv-writer"),  # accents
            ("RÉSUMÉS", "cv-writer"),
        ],
    )
    def test_words_are_found_wherever_they_are(self, ranked: SearchIndex, text: str, slug: str) -> None:
        assert slugs(ranked, text)[0] == slug

    def test_a_typo_is_forgiven_and_told(self, ranked: SearchIndex) -> None:
        found = ranked.search(Query("kuberntes doctor"))
        assert found.hits[0].slug == "kube-doctor"
        assert found.did_you_mean == "kubernetes doctor"

    def test_two_typos_in_a_long_word_are_forgiven(self, ranked: SearchIndex) -> None:
        assert slugs(ranked, "kubrenetse") == ["kube-doctor"]

    def test_a_right_word_is_not_corrected(self, ranked: SearchIndex) -> None:
        assert ranked.search(Query("kubernetes")).did_you_mean is None

    @pytest.mark.parametrize(
        ("text", "slug"),
        [
            ("表計算", "hyo-seiri"),
            ("集計し", "hyo-seiri"),
            ("議事録", "kaigi"),
            ("会", "kaigi"),
            ("kaigi会議", "kaigi"),
        ],
    )
    def test_scripts_without_spaces_are_searched(self, samples: SearchIndex, text: str, slug: str) -> None:
        assert slugs(samples, text)[0] == slug

    def test_no_word_in_common_finds_nothing(self, samples: SearchIndex) -> None:
        for text in ("qqqqzzzzxxxx", "?!", "🚀", "\x00"):
            found = samples.search(Query(text))
            assert (found.total, found.hits, found.next) == (0, [], None)

    def test_refused_and_gone_skills_are_not_found(self, samples: SearchIndex) -> None:
        everything = set(addresses(samples.search(Query(limit=100)).hits))
        assert "vanished/old/old-skill" not in everything
        assert not any(address.endswith(("/too-big", "/None")) for address in everything)
        assert slugs(samples, "too-big") == []

    def test_all_words_are_wanted_before_some(self, ranked: SearchIndex) -> None:
        assert slugs(ranked, "pdf json csv")[0] == "file-toolkit"

    @given(st.text(max_size=300))
    def test_no_text_fails(self, samples: SearchIndex, text: str) -> None:
        found = samples.search(Query(text))
        assert len(found.hits) <= found.total

    @given(st.text(alphabet=st.characters(codec=None, categories=["Cs", "Cc", "Lo", "Mn", "Po"]), max_size=250))
    def test_no_odd_text_fails(self, samples: SearchIndex, text: str) -> None:
        samples.search(Query(text, owner=text, topic=text, licence=text))


class TestOrder:
    def test_an_exact_name_beats_any_number_of_stars(self, ranked: SearchIndex) -> None:
        assert slugs(ranked, "pdf")[0] == "pdf"

    def test_an_address_beats_everything(self, samples: SearchIndex) -> None:
        for text in ("zoe/tools/csv-tools", "ZOE/Tools/csv-tools", "@zoe/csv-tools"):
            assert addresses(samples.search(Query(text)).hits)[0] == "zoe/tools/csv-tools"

    def test_stars_decide_between_equals(self, tmp_path: Path) -> None:
        texts = {"a": 3, "b": 40_000, "c": 200}
        index = build(
            tmp_path,
            [
                sample_skill(SampleRepository(owner, "r", stars=stars), "lint", "Lints code.", f"# {owner}{owner}\n")
                for owner, stars in texts.items()
            ],
        )
        assert [hit.owner for hit in index.search(Query("lints code")).hits] == ["b", "c", "a"]

    def test_everything_is_listed_by_stars_then_address(self, many: SearchIndex) -> None:
        hits = many.search(Query(limit=100)).hits
        order = [(-hit.stars, hit.owner, hit.repository, hit.slug) for hit in hits]
        assert order == sorted(order)

    def test_sorted_by_time(self, tmp_path: Path) -> None:
        skills = [
            sample_skill(
                ACME, f"s{day}", "Daily.", "# D\n", versions=(SampleVersion("0.0.1", f"# {day}", day=day),)
            )
            for day in (3, 9, 1, 5)
        ]  # fmt: skip
        index = build(tmp_path, skills)
        assert slugs(index, "daily", sort=Sort.UPDATED) == ["s9", "s5", "s3", "s1"]

    def test_two_builds_answer_alike(self, tmp_path: Path) -> None:
        again = build(tmp_path / "again", list(SAMPLES))
        third = build(tmp_path / "third", list(reversed(SAMPLES)))
        for text in ("", "pdf", "csv tools", "agent", "clean forms"):
            assert again.search(Query(text)) == third.search(Query(text))

    def test_threads_share_an_index(self, many: SearchIndex) -> None:
        texts = [f"report {n}" for n in range(40)]
        alone = [many.search(Query(text)) for text in texts]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda text: many.search(Query(text)), texts)) == alone


class TestPages:
    @pytest.mark.parametrize("sort", list(Sort))
    @pytest.mark.parametrize("text", ["", "report quarterly"])
    def test_pages_join_to_the_whole(self, many: SearchIndex, text: str, sort: Sort) -> None:
        whole = many.search(Query(text, sort=sort, limit=100))
        pages, cursor = [], None
        while True:
            page = many.search(Query(text, sort=sort, limit=7, cursor=cursor))
            assert page.total == whole.total
            assert page.facets == whole.facets
            pages += page.hits
            cursor = page.next
            if cursor is None:
                break
        assert pages[:100] == whole.hits
        assert len(set(addresses(pages))) == whole.total

    def test_a_cursor_of_another_search_is_refused(self, many: SearchIndex) -> None:
        cursor = many.search(Query("report", limit=5)).next
        assert cursor is not None
        for other in (Query("figures"), Query("report", owner="owner1"), Query("report", sort=Sort.STARS)):
            with pytest.raises(CursorError):
                many.search(Query(other.text, owner=other.owner, sort=other.sort, cursor=cursor))

    @given(st.text(max_size=60))
    def test_an_invented_cursor_is_refused(self, many: SearchIndex, cursor: str) -> None:
        with pytest.raises(CursorError):
            many.search(Query("report", cursor=cursor))

    def test_the_limit_is_kept_within_bounds(self, many: SearchIndex) -> None:
        assert len(many.search(Query(limit=0)).hits) == 1
        assert len(many.search(Query(limit=10_000)).hits) == 100


class TestFilters:
    def test_each_filter_keeps_what_it_names(self, many: SearchIndex) -> None:
        cases: list[tuple[str, str, Callable[[Hit], str]]] = [
            ("owner", "OWNER2", lambda hit: hit.owner.upper()),
            ("repository", "owner1/repo5", lambda hit: f"{hit.owner}/{hit.repository}"),
            ("licence", "apache-2.0", lambda hit: (hit.licence or "none").lower()),
            ("licence", "none", lambda hit: (hit.licence or "none").lower()),
            ("level", "loadable", lambda hit: hit.level),
        ]
        for name, value, of in cases:
            hits = many.search(Query(limit=100, **{name: value})).hits  # type: ignore[arg-type]
            assert hits
            assert {of(hit) for hit in hits} == {value}

    def test_facets_count_what_their_filter_finds(self, many: SearchIndex) -> None:
        found = many.search(Query("report"))
        assert set(found.facets) == {"licence", "level", "topic", "owner", "verdict", "tag", "category", "client"}
        for name, counts in found.facets.items():
            for facet in counts:
                query = Query("report", **{name: facet.value})  # type: ignore[arg-type]
                assert many.search(query).total == facet.count, (name, facet.value)

    def test_filters_narrow_together(self, many: SearchIndex) -> None:
        both = many.search(Query("report", licence="MIT", topic="even", limit=100))
        assert 0 < both.total < many.search(Query("report", licence="MIT")).total
        assert {facet.value for facet in both.facets["licence"]} == {"MIT"}


class TestLabels:
    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({"tag": "data"}, {"one", "two"}),
            ({"tag": "CSV"}, {"one"}),
            ({"category": "data work"}, {"two"}),
            ({"client": "claude-code"}, {"one"}),
            ({"client": "openclaw", "tag": "sql"}, {"two"}),
            ({"client": "codex"}, set()),
            ({"updated_since": EPOCH + timedelta(days=1)}, {"two", "three"}),
        ],
    )
    def test_filters_by_what_authors_wrote(
        self, labelled: SearchIndex, filters: dict[str, object], found: set[str]
    ) -> None:
        assert set(slugs(labelled, "sorts", **filters)) == found

    def test_what_authors_wrote_is_counted(self, labelled: SearchIndex) -> None:
        facets = labelled.search(Query("sorts")).facets
        assert [(one.value, one.count) for one in facets["tag"]] == [("data", 2), ("csv", 1), ("sql", 1)]
        assert [one.value for one in facets["client"]] == ["claude-code", "cursor", "openclaw"]

    def test_a_skill_has_the_labels_of_its_copies(self, tmp_path: Path) -> None:
        one, other = SampleRepository("loved", "kit", stars=9), SampleRepository("new", "kit", stars=1)
        skills = [
            sample_skill(one, "sorter", "Sorts.", "# Sort\n"),
            sample_skill(other, "sorter", "Sorts.", "# Sort\n", manifest={"tags": ["rare"]}),
        ]
        assert addresses(build(tmp_path, skills).search(Query(tag="rare")).hits) == ["loved/kit/sorter"]


class TestHighlights:
    @pytest.mark.parametrize(
        ("text", "marked"),
        [
            ("restart pods cluster", ["clusters"]),
            ("k8s", ["Kubernetes"]),
            ("kubernets", ["Kubernetes"]),
            ("kuber", ["Kubernetes"]),
            ("zyzzogeton", []),
            ("", []),
        ],
    )
    def test_what_is_found_is_told_by_its_place(self, ranked: SearchIndex, text: str, marked: list[str]) -> None:
        hit = ranked.search(Query(text)).hits[0]
        assert [hit.description[start:end] for start, end in hit.highlights.get("description", [])] == marked

    def test_places_hold_with_accents_and_scripts_without_spaces(
        self, ranked: SearchIndex, samples: SearchIndex
    ) -> None:
        (writer,) = [hit for hit in ranked.search(Query("resume")).hits if hit.slug == "cv-writer"]
        assert [writer.description[start:end] for start, end in writer.highlights["description"]] == ["résumé"]
        hit = samples.search(Query("集計し")).hits[0]
        assert "".join(hit.description[start:end] for start, end in hit.highlights["description"]).startswith("集計")

    @given(st.text(max_size=80), st.text(max_size=80))
    def test_places_are_in_the_text_and_in_order(self, ranked: SearchIndex, query: str, text: str) -> None:
        ranges = ranked._planner.plan(query).highlighter().find(text)
        flat = [place for one in ranges for place in one]
        assert flat == sorted(flat)
        assert all(0 <= start < end <= len(text) for start, end in ranges)


class TestCopies:
    def test_copies_are_one_hit(self, copied: SearchIndex) -> None:
        found = copied.search(Query("sorter"))
        assert (found.total, addresses(found.hits)) == (1, ["loved/kit/sorter"])
        assert found.hits[0].copies == 2

    @pytest.mark.parametrize(
        ("filters", "address"),
        [
            ({"owner": "liked"}, "liked/kit/sorter"),
            ({"repository": "liked/fork"}, "liked/fork/sorter"),
            ({"licence": "Apache-2.0"}, "liked/fork/sorter"),
            ({"topic": "y"}, "liked/kit/sorter"),
            ({"topic": "y", "licence": "apache-2.0"}, "liked/fork/sorter"),
            ({"owner": "liked", "repository": "liked/fork", "level": "strict"}, "liked/fork/sorter"),
            ({"topic": "x"}, "loved/kit/sorter"),
        ],
    )
    def test_filters_show_the_best_copy_they_leave(
        self, copied: SearchIndex, filters: dict[str, str], address: str
    ) -> None:
        found = copied.search(Query("sorter", **filters))  # type: ignore[arg-type]
        assert (found.total, addresses(found.hits)) == (1, [address])

    def test_a_copy_is_found_by_its_own_place(self, copied: SearchIndex) -> None:
        assert addresses(copied.search(Query("liked fork sorter")).hits) == ["loved/kit/sorter"]

    @given(
        st.lists(
            st.fixed_dictionaries(
                {
                    "owner": st.sampled_from(["a", "b"]).map(lambda one: [one]),
                    "level": st.sampled_from(["s", "l"]).map(lambda one: [one]),
                    "topic": st.sets(st.sampled_from("xyz")).map(sorted),
                }
            ),
            max_size=6,
        ),
        st.dictionaries(st.sampled_from(["owner", "level", "topic"]), st.sampled_from("abslxyz")),
    )
    def test_of_each_group_filters_show_exactly_the_first_that_passes(
        self, group: list[dict[str, list[str]]], filters: dict[str, str]
    ) -> None:
        passing = [
            place for place, values in enumerate(group) if all(filters[name] in values[name] for name in filters)
        ]
        shown = [place for place, own in enumerate(marks(group)) if mark(filters) in own]
        assert shown == passing[:1]


class TestIndexFolder:
    def test_reading_writes_nothing(self, tmp_path: Path) -> None:
        build(tmp_path, list(SAMPLES))
        before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / SEARCH).iterdir()}
        folder = (tmp_path / SEARCH).stat().st_mtime_ns
        assert SearchIndex(tmp_path / SEARCH).search(Query("pdf")).total
        assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / SEARCH).iterdir()} == before
        assert (tmp_path / SEARCH).stat().st_mtime_ns == folder

    def test_what_is_no_index_is_named(self, tmp_path: Path) -> None:
        for folder in (tmp_path, tmp_path / "missing"):
            with pytest.raises(SnapshotError, match=folder.name):
                SearchIndex(folder)

    def test_a_cut_index_is_refused(self, tmp_path: Path) -> None:
        build(tmp_path, list(SAMPLES))
        for path in (tmp_path / SEARCH).glob("*.term"):
            path.write_bytes(path.read_bytes()[:40])
        with pytest.raises(SnapshotError):
            SearchIndex(tmp_path / SEARCH)

    def test_a_used_folder_is_not_built_into(self, tmp_path: Path) -> None:
        build(tmp_path, list(SAMPLES))
        with Snapshot(tmp_path) as snapshot, pytest.raises(SnapshotError, match="not empty"):
            build_search_index(snapshot, tmp_path / SEARCH)

    def test_an_empty_snapshot_can_be_searched(self, tmp_path: Path) -> None:
        index = build(tmp_path, [])
        assert (len(index), index.search(Query("pdf")).total) == (0, 0)


class TestText:
    def test_headings_in_code_are_none(self) -> None:
        text = "# One #\n\n```sh\n# not this\n```\n~~~\n## nor this\n```\n~~~\n   ###### Six\n####### seven\n#none\n"
        assert list(headings(text)) == ["One", "Six"]

    def test_front_matter_is_not_body(self) -> None:
        assert split_manifest(skill_text("a", "b", "# Body\n")).strip() == "# Body"
        assert split_manifest("# No front matter\n---\n") == "# No front matter\n---\n"

    def test_one_joined_form(self) -> None:
        assert Counter(map(joined, ["Café Tools", "cafe-tools", "\uff23\uff21\uff26\uff25_tools", "cafeTools"])) == {
            "cafetools": 4
        }


def test_scripts_without_spaces_are_found_wherever_they_are() -> None:
    """What rules most texts out quickly rules out nothing that has such a character, whichever."""
    for number in [*range(0x80, 0xD800), *range(0xE000, 0x31000)]:
        text = f"a{chr(number)}b"
        assert words.split_scripts(text)[1] == words._UNSPACED.findall(text)
    assert words.split_scripts("\N{GRINNING FACE} \N{SNOWMAN}\ufe0f x")[1] == []
