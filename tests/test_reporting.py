"""Whatever a path holds, a diagnostic about it fits on one line and into a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcrawler import archive, discover, members, paths, root
from skillcrawler.diagnostics import Rule
from skillcrawler.gitobjects import decode_path
from skillcrawler.reporting import SHOWN_CHARACTERS, about, capped, printable
from skilldata.models import Diagnostic, DiagnosticLevel

RULE = Rule("test.rule", DiagnosticLevel.ERROR, "The file is odd.", "Mend it.")


@given(
    st.binary(max_size=300)
    | st.text(st.characters(), max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_anything_becomes_printable(raw: bytes) -> None:
    shown = printable(decode_path(raw))
    assert shown.isprintable()
    assert len(shown) <= SHOWN_CHARACTERS
    assert Diagnostic.model_validate_json(about(RULE, decode_path(raw)).model_dump_json()).file == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [("a/b.md", "a/b.md"), ("日本", "日本"), ("a\0\n", "a\\x00\\x0a"), ("\u202ex", "\\u202ex"), ("\udcff", "\\xff")],
)
def test_what_does_not_show_is_spelled_out(path: str, shown: str) -> None:
    assert printable(path) == shown


def test_long_paths_keep_both_ends() -> None:
    assert printable("start" + "x" * 1_000 + "end").startswith("startx")
    assert printable("start" + "x" * 1_000 + "end").endswith("xend")


def test_a_message_names_the_file_and_says_what_is_the_matter() -> None:
    diagnostic = about(RULE, "a\nb", "really")
    assert diagnostic.message == "'a\\x0ab': the file is odd; really"
    assert diagnostic.file == "a\\x0ab"


@pytest.mark.parametrize(("count", "more"), [(0, None), (1, None), (10, None), (11, 1), (500, 490)])
def test_of_many_alike_ten_are_kept(count: int, more: int | None) -> None:
    kept = list(capped(about(RULE, str(n)) for n in range(count)))
    assert len(kept) == min(count, 10)
    assert [d.message for d in kept if "more of the kind" in d.message] == (
        [] if more is None else [f"'9': the file is odd; and {more} more of the kind"]
    )


def test_every_rule_has_an_id_of_its_own_a_sentence_and_a_remedy() -> None:
    rules = [*archive.RULES, *discover.RULES, *members.RULES, *paths.RULES, *root.RULES]
    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert about(rule, "x").rule == rule.id
        for sentence in (rule.meaning, rule.remedy):
            assert sentence[0].isupper()
            assert sentence.endswith(".")
