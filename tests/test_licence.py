"""Which licence a skill is under, and whether its files may be handed out."""

from __future__ import annotations

import time
from importlib.metadata import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcrawler.gitobjects import FOLDER_MODE, LINK_MODE, TreeEntry, blob_oid
from skillcrawler.licence import (
    MAX_BYTES,
    RULES,
    Judgement,
    LicenceEvidence,
    LicenceFile,
    TextCache,
    judge_licence,
    licence_basis,
    licence_files,
)
from skillcrawler.licence.expressions import read_expression, read_policy
from skillcrawler.licence.files import is_licence_name
from skillcrawler.licence.statements import read_statement
from skillcrawler.licence.texts import read_text
from skillcrawler.tree import RepositoryTree
from skilldata.config import LicenceSettings
from skilldata.models import DiagnosticLevel
from tests.conftest import Registry
from tests.standin import File, StandIn
from tests.test_crawl import Crawler

POLICY = LicenceSettings().redistributable
FOLDER = "skills/pdf"

MIT = """MIT License

Copyright (c) 2026 Acme

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
ISC = """ISC License

Copyright (c) 2026, Acme

Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM
LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR
OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THIS SOFTWARE.
"""
PROPRIETARY = """(c) 2026 Acme. All rights reserved.

Use of these materials is governed by your agreement with Acme. You may not copy,
modify, distribute or sublicense them, nor keep copies outside of Acme's services.
"""
RIDER = "\nYou may not pass this software on to others, nor use it for money, unless Acme has agreed.\n"


def judge(
    stated: str | None = None,
    texts: dict[str, str] | None = None,
    github: str | None = None,
    *,
    folder: str = FOLDER,
    policy: tuple[str, ...] = POLICY,
) -> Judgement:
    """Judge a skill from texts by path, given nearest first."""
    found = [LicenceFile(path, text.encode()) for path, text in (texts or {}).items()]
    return judge_licence(LicenceEvidence(stated, found, github, folder), redistributable=policy)


def rules_of(judgement: Judgement) -> list[str]:
    return [diagnostic.rule for diagnostic in judgement.diagnostics]


# -- one witness alone


@pytest.mark.parametrize(
    ("stated", "texts", "github", "spdx", "evidence"),
    [
        ("MIT", {}, None, "MIT", "front matter"),
        (None, {f"{FOLDER}/LICENSE.txt": MIT}, None, "MIT", "skill folder: LICENSE.txt"),
        (None, {"skills/LICENCE": ISC}, None, "ISC", "skills: LICENCE"),
        (None, {"LICENSE": MIT}, None, "MIT", "repository: LICENSE"),
        (None, {}, "Apache-2.0", "Apache-2.0", "GitHub"),
    ],
)
def test_each_kind_of_evidence_counts_alone(
    stated: str | None, texts: dict[str, str], github: str | None, spdx: str, evidence: str
) -> None:
    judgement = judge(stated, texts, github)
    assert (judgement.licence.spdx, judgement.licence.evidence) == (spdx, evidence)
    assert judgement.redistributable
    assert judgement.diagnostics == ()
    assert 0.75 <= judgement.licence.confidence <= 1


def test_nothing_is_no_licence_and_says_what_to_do() -> None:
    judgement = judge()
    assert judgement.licence.spdx is None
    assert judgement.licence.confidence == 0
    assert not judgement.redistributable
    [diagnostic] = judgement.diagnostics
    assert (diagnostic.rule, diagnostic.file) == ("licence.missing", "SKILL.md")
    assert "MIT" in diagnostic.remedy


def test_the_nearest_evidence_names_the_licence() -> None:
    files = {f"{FOLDER}/LICENSE": ISC, "LICENSE": MIT}
    assert judge(None, files, "MIT").licence.spdx == "ISC"
    assert judge("ISC", files, "MIT").licence.evidence == "front matter; skill folder: LICENSE"
    assert rules_of(judge("ISC", files, "MIT")) == []


def test_a_licence_that_the_policy_does_not_have_is_named_but_not_redistributable() -> None:
    judgement = judge("BUSL-1.1")
    assert judgement.licence.spdx == "BUSL-1.1"
    assert not judgement.redistributable
    assert rules_of(judgement) == ["licence.not-redistributable"]
    assert judge("BUSL-1.1", policy=("BUSL-1.1",)).redistributable


# -- witnesses that disagree


def test_a_proprietary_text_beats_what_the_front_matter_says() -> None:
    judgement = judge("MIT", {f"{FOLDER}/LICENSE.txt": PROPRIETARY, "LICENSE": MIT}, "MIT")
    assert not judgement.redistributable
    assert judgement.licence.spdx == "MIT"
    assert judgement.licence.evidence == "front matter; skill folder: LICENSE.txt (unknown text)"
    assert judgement.licence.confidence <= 0.5
    assert [(found.rule, found.file) for found in judgement.diagnostics] == [("licence.unknown-text", "LICENSE.txt")]


def test_a_proprietary_statement_beats_the_licence_of_the_repository() -> None:
    judgement = judge("Proprietary", {"LICENSE": MIT}, "MIT")
    assert not judgement.redistributable
    assert judgement.licence.spdx is None
    assert rules_of(judgement) == ["licence.not-spdx"]
    assert "'Proprietary'" in judgement.diagnostics[0].message


def test_a_conflict_is_recorded_and_both_must_allow() -> None:
    free = judge("Apache-2.0", {"LICENSE": MIT})
    assert (free.licence.spdx, free.redistributable) == ("Apache-2.0", True)
    assert free.licence.evidence == "front matter; repository: LICENSE says MIT"
    assert free.licence.confidence <= 0.5
    assert rules_of(free) == ["licence.conflict"]
    assert not judge("BUSL-1.1", {"LICENSE": MIT}).redistributable
    assert not judge("MIT", {"LICENSE": ISC}, policy=("MIT",)).redistributable


def test_github_is_a_second_reader_of_the_file_at_the_root() -> None:
    judgement = judge(None, {"LICENSE": MIT}, "BUSL-1.1")
    assert judgement.licence.evidence == "repository: LICENSE; GitHub says BUSL-1.1"
    assert not judgement.redistributable
    assert rules_of(judgement) == ["licence.conflict"]
    assert judge(None, {"LICENSE": MIT}, "MIT").licence.evidence == "repository: LICENSE"
    assert judge(None, {f"{FOLDER}/LICENSE": MIT, "LICENSE": ISC}, "BUSL-1.1").redistributable, "it read another file"


@pytest.mark.parametrize("opinion", ["NOASSERTION", "NONE", "", "other"])
def test_github_without_an_opinion_says_nothing(opinion: str) -> None:
    assert rules_of(judge(None, {}, opinion)) == ["licence.missing"]
    assert judge(None, {"LICENSE": MIT}, opinion).redistributable


def test_a_text_that_only_github_knows_is_what_github_says() -> None:
    retyped = MIT.replace("without restriction", "with no restriction").replace("hereby", "herewith")
    assert not judge(None, {"LICENSE": retyped}).redistributable
    at_root = judge(None, {"LICENSE": retyped}, "MIT")
    assert (at_root.licence.spdx, at_root.redistributable) == ("MIT", True)
    assert at_root.licence.evidence == "repository: LICENSE (known to GitHub)"
    copied = judge("MIT", {f"{FOLDER}/LICENSE": retyped, "LICENSE": retyped}, "MIT")
    assert copied.redistributable
    other = judge("MIT", {f"{FOLDER}/LICENSE": retyped, "LICENSE": MIT}, "MIT")
    assert not other.redistributable, "GitHub did not read the file of the skill"
    several = judge(None, {"LICENSE": retyped, "LICENSE-ISC": ISC}, "ISC")
    assert not several.redistributable, "nobody knows which of the two GitHub read"


# -- expressions


@pytest.mark.parametrize(
    ("stated", "spdx", "allowed"),
    [
        ("mit", "MIT", True),
        ("MIT OR BUSL-1.1", "MIT OR BUSL-1.1", True),
        ("MIT AND BUSL-1.1", "MIT AND BUSL-1.1", False),
        ("(MIT OR BUSL-1.1) AND ISC", "(MIT OR BUSL-1.1) AND ISC", True),
        ("(MIT AND BUSL-1.1) OR (ISC AND SSPL-1.0)", "(MIT AND BUSL-1.1) OR (ISC AND SSPL-1.0)", False),
        ("GPL-3.0", "GPL-3.0-only", True),
        ("GPL-2.0+", "GPL-2.0-or-later", True),
        ("gpl-2.0-only with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("EPL-2.0 WITH Classpath-exception-2.0", "EPL-2.0 WITH Classpath-exception-2.0", False),
        ("MIT OR LicenseRef-Acme", "MIT OR LicenseRef-Acme", True),
        ("LicenseRef-Acme", "LicenseRef-Acme", False),
    ],
)
def test_expressions_are_weighed_branch_by_branch(stated: str, spdx: str, allowed: bool) -> None:
    judgement = judge(stated)
    assert (judgement.licence.spdx, judgement.redistributable) == (spdx, allowed)


@pytest.mark.parametrize(
    "text",
    ["", "()", "MIT OR", "MIT Apache-2.0", "MIT WITH MIT", "Classpath-exception-2.0", "Acme-1.0", "MİT", "(" * 150,
     "x" * 201],
)  # fmt: skip
def test_what_is_no_expression_is_none(text: str) -> None:
    assert read_expression(text) is None


def test_a_choice_that_is_stated_holds_where_one_of_its_texts_is_there() -> None:
    assert rules_of(judge("MIT OR Apache-2.0", {f"{FOLDER}/LICENSE": MIT})) == []
    assert judge("ISC OR MIT", {f"{FOLDER}/LICENSE-MIT": MIT}, policy=("ISC",)).redistributable
    assert not judge(
        "ISC", {f"{FOLDER}/LICENSE-MIT": MIT, f"{FOLDER}/LICENSE-ISC": ISC}, policy=("ISC",)
    ).redistributable


def test_a_text_of_the_gpl_leaves_open_whether_later_versions_are_meant() -> None:
    assert read_policy(("GPL-3.0",)) == {"GPL-3.0-only"}
    later, only = read_expression("GPL-3.0-or-later"), read_expression("GPL-3.0-only")
    assert later is not None
    assert only is not None
    assert later.covers(only)
    assert not later.allowed({"GPL-3.0-only"})


# -- statements


@pytest.mark.parametrize(
    ("stated", "spdx"),
    [
        ("MIT license", "MIT"),
        ("The MIT License.", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("BSD-3-Clause license", "BSD-3-Clause"),
        ("3-clause BSD license", "BSD-3-Clause"),
        ("GPLv3 license", "GPL-3.0-only"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("Released under the MIT license", "MIT"),
        ("MIT (see LICENSE)", "MIT"),
        ("Apache-2.0, see LICENSE.txt", "Apache-2.0"),
    ],
)
def test_names_that_people_write_are_understood(stated: str, spdx: str) -> None:
    expression = read_statement(stated).expression
    assert expression is not None
    assert expression.spdx == spdx


@pytest.mark.parametrize(
    "stated",
    [
        "Unknown", "UNLICENSED", "Proprietary", "BSD license", "Not licensed under MIT", "license", "Free to use", "-",
        "MIT except for the fonts", "https://example.invalid/LICENSE", "SD-3-Clause license", "x" * 5000, "MIT " * 40,
    ],
)  # fmt: skip
def test_what_is_not_understood_is_no_permission(stated: str) -> None:
    judgement = judge(stated, {"LICENSE": MIT}, "MIT")
    assert not judgement.redistributable
    assert rules_of(judgement) == ["licence.not-spdx"]


@pytest.mark.parametrize(
    ("stated", "path"),
    [
        ("Complete terms in LICENSE.txt", f"{FOLDER}/LICENSE.txt"),
        ("LICENSE", f"{FOLDER}/LICENSE"),
        ("./license.md", f"{FOLDER}/LICENSE.md"),
        ("See LICENSE file in repository root", "LICENSE"),
        ("../../LICENSE", "LICENSE"),
        ("SEE LICENSE IN COPYING", "COPYING"),
    ],
)
def test_a_statement_that_names_a_file_means_the_file(stated: str, path: str) -> None:
    judgement = judge(stated, {path: ISC})
    assert judgement.licence.spdx == "ISC"
    assert judgement.licence.evidence.endswith(path.rpartition("/")[2])
    assert judgement.diagnostics == ()
    assert not judge(stated, {path: PROPRIETARY}).redistributable


def test_of_several_files_the_one_at_the_named_path_counts() -> None:
    files = {f"{FOLDER}/LICENSE": MIT, "LICENSE": ISC}
    assert judge("LICENSE", files).licence.spdx == "MIT"
    assert judge("../../LICENSE", files).licence.spdx == "ISC"


def test_a_named_file_that_is_missing_is_not_replaced_by_another() -> None:
    judgement = judge("Complete terms in LICENSE.txt", {"LICENSE": MIT}, "MIT")
    assert not judgement.redistributable
    assert judgement.licence.evidence == "front matter (LICENSE.txt is missing)"
    assert rules_of(judgement) == ["licence.file-missing"]


def test_a_proprietary_statement_beats_the_file_it_names() -> None:
    judgement = judge("Proprietary. LICENSE.txt has complete terms", {f"{FOLDER}/LICENSE.txt": MIT})
    assert not judgement.redistributable
    assert rules_of(judgement) == ["licence.not-spdx"]


# -- texts


@pytest.mark.parametrize(
    "text",
    [
        MIT,
        MIT.replace("\n", "\r\n"),
        " ".join(MIT.split()),
        MIT.removeprefix("MIT License\n\n"),
        MIT.replace("MIT License", "# The MIT License (MIT)"),
        MIT.replace("Acme", "Acme\nCopyright (c) 2025 骑自行车 and Évèry contributors"),
        "\ufeff" + "".join(f"> {line}\n" for line in MIT.splitlines()),
        MIT.replace("Acme", "Acm\0\ufffd"),
    ],
)
def test_the_same_licence_in_other_clothes_is_recognised(text: str) -> None:
    found = read_text(text.encode())
    assert found.expression is not None
    assert found.expression.spdx == "MIT"
    assert found.unchanged
    assert found.confidence > 0.9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIT",
        "This skill is under the MIT license.",
        PROPRIETARY,
        MIT.replace("without restriction", "for evaluation only"),
        MIT.replace("publish, distribute, sublicense, and/or sell", "and look at"),
        MIT[:400],
        "# Notes\n\n" + "Some words about something else. " * 60 + MIT,
    ],
)
def test_what_is_not_a_whole_licence_is_unknown(text: str) -> None:
    assert read_text(text.encode()).expression is None


def test_terms_that_were_added_to_a_licence_are_seen() -> None:
    judgement = judge("MIT", {f"{FOLDER}/LICENSE": MIT + RIDER}, "MIT")
    assert not judgement.redistributable
    assert judgement.licence.evidence == "front matter; skill folder: LICENSE (MIT with added terms)"
    assert rules_of(judgement) == ["licence.added-terms"]
    at_root = judge(None, {"LICENSE": RIDER + MIT}, "MIT")
    assert not at_root.redistributable, "GitHub does not see them"
    assert not judge(None, {"LICENSE": MIT + "Copyright notice: " + RIDER.strip() * 2}).redistributable


def test_several_texts_all_apply() -> None:
    together = judge(None, {"LICENSE": MIT + "\n---\n" + ISC})
    assert (together.licence.spdx, together.redistributable) == ("ISC AND MIT", True)
    apart = judge(None, {"LICENSE-ISC": ISC, "LICENSE-MIT": MIT})
    assert (apart.licence.spdx, apart.licence.evidence) == ("ISC AND MIT", "repository: LICENSE-ISC, LICENSE-MIT")
    assert not judge(None, {"LICENSE-ISC": ISC, "LICENSE-MIT": MIT}, policy=("MIT",)).redistributable
    assert not judge(None, {"LICENSE-ISC": ISC, "LICENSE.txt": PROPRIETARY}).redistributable


@pytest.mark.parametrize(
    ("package", "file", "spdx"),
    [
        ("license-expression", "licenses/apache-2.0.LICENSE", "Apache-2.0"),
        ("license-expression", "data/cc-by-4.0.LICENSE", "CC-BY-4.0"),
        ("pygithub", "licenses/COPYING", "GPL-3.0-only"),
        ("psycopg", "licenses/LICENSE.txt", "LGPL-3.0-only"),
    ],
)
def test_long_licences_of_installed_packages_have_nothing_added(package: str, file: str, spdx: str) -> None:
    [path] = [path for path in files(package) or [] if str(path).endswith(file)]
    found = read_text(path.read_binary())
    assert found.expression is not None
    assert found.expression.spdx == spdx
    assert found.unchanged


def test_bytes_that_are_too_many_are_unknown() -> None:
    assert read_text(MIT.encode() + b"\n" * (MAX_BYTES - len(MIT))).unchanged
    assert read_text(MIT.encode() + b"\n" * MAX_BYTES).expression is None
    evidence = LicenceEvidence("MIT", [LicenceFile("LICENSE", None)])
    assert not judge_licence(evidence, redistributable=POLICY).redistributable


def test_a_text_is_recognised_once() -> None:
    text = MIT.encode()
    cache: TextCache = {}
    first = read_text(text, cache)
    assert list(cache) == [blob_oid(text)]
    assert read_text(text, cache) is first


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    ["{#", "](http://", "<a href=", "&#x1", "developed by ", "permission is hereby granted ", "(c) ", "\0", "\xff", "a",
     "\n"],
)  # fmt: skip
def test_hostile_texts_take_bounded_time(unit: str) -> None:
    text = (unit * (MAX_BYTES // len(unit))).encode()[:MAX_BYTES]
    read_text(MIT.encode())
    started = time.process_time()
    assert read_text(text).expression is None
    assert time.process_time() - started < 5  # 0.1 to 1 s; without the guard, `{#` takes minutes


# -- files


@pytest.mark.parametrize(
    "name",
    ["LICENSE", "licence.md", "LICENSE.txt", "COPYING", "COPYING.LESSER", "UNLICENSE", "LICENSE-MIT", "MIT-LICENSE.txt",
     "LICENSE-CC-BY-4.0", "LICENSE.Apache-2.0", "LICENSE-2.0.txt", "license.rst"],
)  # fmt: skip
def test_licence_files_are_known_by_name(name: str) -> None:
    assert is_licence_name(name)


@pytest.mark.parametrize(
    "name",
    ["NOTICE", "license.py", "license_checker.py", "license.mjs", "license_compatibility_matrix.md", "LICENSES.md",
     "THIRD-PARTY-LICENSES.txt", "licensing.md", "my-license.txt", "LICENSE.json", "SKILL.md", "LICENSE\n"],
)  # fmt: skip
def test_other_files_are_not(name: str) -> None:
    assert not is_licence_name(name)


def tree(*paths: str, links: tuple[str, ...] = ()) -> RepositoryTree:
    files = [TreeEntry(path, 0o100644, blob_oid(path.encode())) for path in paths]
    return RepositoryTree([*files, *(TreeEntry(path, LINK_MODE, blob_oid(path.encode())) for path in links)])


def paths(entries: list[TreeEntry]) -> list[str]:
    return [entry.path for entry in entries]


def test_licence_files_come_nearest_first() -> None:
    repository = tree(
        "LICENSE", "a/LICENSE", "a/b/COPYING", "a/b/LICENSE", "a/b/c/SKILL.md", "a/b/c/ref/LICENSE", "a/x/LICENSE"
    )
    assert paths(licence_files(repository, "a/b/c")) == ["a/b/COPYING", "a/b/LICENSE", "LICENSE"]
    assert paths(licence_files(repository, "a/b/c/d/e")) == ["a/b/COPYING", "a/b/LICENSE", "LICENSE"]
    assert paths(licence_files(repository, "a")) == ["a/LICENSE", "LICENSE"]
    assert paths(licence_files(repository, "")) == ["LICENSE"]
    assert licence_files(tree("a/SKILL.md", "b/LICENSE"), "a") == []


def test_links_are_listed_and_folders_are_not() -> None:
    repository = tree("LICENSE/MIT.txt", "a/SKILL.md", links=("a/LICENSE",))
    assert repository.get("LICENSE") == TreeEntry("LICENSE", FOLDER_MODE, "")
    assert paths(licence_files(repository, "a")) == ["a/LICENSE"]


def test_a_folder_full_of_licences_is_cut() -> None:
    assert len(licence_files(tree(*(f"LICENSE-MIT-{number}" for number in range(1000))), "a")) == 16


def test_the_basis_changes_with_everything_outside_of_the_skill() -> None:
    def basis(*files: str, github: str | None = "MIT", policy: tuple[str, ...] = ("MIT",)) -> str:
        return licence_basis(tree(*files), ["a", "p/b"], github, redistributable=policy)

    same = basis("a/SKILL.md", "p/b/SKILL.md")
    assert basis("a/SKILL.md", "p/b/SKILL.md", "a/LICENSE", "c/LICENSE", "README.md") == same
    changed = {
        basis("a/SKILL.md", "p/b/SKILL.md", "LICENSE"),
        basis("a/SKILL.md", "p/b/SKILL.md", "p/LICENSE"),
        basis("a/SKILL.md", "p/b/SKILL.md", github=None),
        basis("a/SKILL.md", "p/b/SKILL.md", policy=("MIT", "ISC")),
        same,
    }
    assert len(changed) == 5


# -- rules, and anything at all


def test_rules_are_for_information() -> None:
    assert {rule.level for rule in RULES} == {DiagnosticLevel.INFO}, "the specification leaves the licence open"
    assert len({rule.id for rule in RULES}) == len(RULES)


PIECES = st.sampled_from(
    ["MIT", "Apache-2.0", " AND ", " OR ", " WITH ", "(", ")", "LICENSE.txt", "license", " ", "the", "/", "..", "+",
     "\udcff"]
)  # fmt: skip
STATED = st.one_of(st.none(), st.text(max_size=300), st.lists(PIECES, max_size=12).map("".join))
TEXTS = st.one_of(st.binary(max_size=300), st.sampled_from([MIT, ISC, PROPRIETARY, MIT + RIDER]).map(str.encode))
FILES = st.lists(
    st.tuples(st.sampled_from([f"{FOLDER}/LICENSE", "LICENSE", "skills/\udcffCOPYING"]), TEXTS), max_size=3
)


@given(STATED, FILES, st.one_of(st.none(), st.sampled_from(["MIT", "NOASSERTION", "\udcff"])))
def test_any_evidence_is_judged(stated: str | None, files: list[tuple[str, bytes]], github: str | None) -> None:
    evidence = LicenceEvidence(stated, [LicenceFile(*file) for file in files], github, FOLDER)
    judgement = judge_licence(evidence, redistributable=POLICY)
    licence = judgement.licence
    assert 0 <= licence.confidence <= 1
    assert licence.evidence.encode("utf-8")
    assert licence.spdx is None or read_expression(licence.spdx) is not None
    assert not judgement.redistributable or licence.spdx is not None
    assert judgement.redistributable or judgement.diagnostics
    assert all(diagnostic.message.isprintable() for diagnostic in judgement.diagnostics)
    assert judge_licence(evidence, redistributable=()).redistributable is False


# -- in a crawl


def test_licence_files_of_all_folders_are_read_and_their_changes_seen(registry: Registry, github: StandIn) -> None:
    skill = "---\nname: {name}\ndescription: Does a thing.\n---\n\n# Body\n"
    files = {f"{path}/SKILL.md": skill.format(name=path[-1]) for path in ("a", "p/b", "p/c")}
    github.add_repository(
        "acme/tools", {**files, "LICENSE": MIT, "p/LICENSE": ISC, "p/c/LICENSE.txt": PROPRIETARY, "a/COPYING": ISC}
    )
    query = """
        SELECT DISTINCT ON (path) path, licence, licence_evidence, redistributable
        FROM version JOIN skill USING (skill_id) ORDER BY path, ordinal DESC
    """
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
        assert registry.rows(query) == [
            ("a", "ISC", "skill folder: COPYING", True),
            ("p/b", "ISC", "p: LICENSE", True),
            ("p/c", None, "skill folder: LICENSE.txt (unknown text)", False),
        ]
        github.push("acme/tools", {"p/LICENSE": PROPRIETARY, "a/COPYING": None})
        crawler.crawl()
        assert registry.rows(query)[:2] == [
            ("a", "MIT", "repository: LICENSE", True),
            ("p/b", None, "p: LICENSE (unknown text)", False),
        ]


def test_a_licence_that_is_a_link_counts_as_what_it_leads_to(registry: Registry, github: StandIn) -> None:
    skill = "---\nname: a\ndescription: Does a thing.\nlicense: LICENSE\n---\n\n# Body\n"
    github.add_repository(
        "acme/tools", {"a/SKILL.md": skill, "a/LICENSE": File(b"../terms/mit.txt", "120000"), "terms/mit.txt": MIT}
    )
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
        assert registry.rows("SELECT licence, licence_evidence FROM version") == [("MIT", "skill folder: LICENSE")]
