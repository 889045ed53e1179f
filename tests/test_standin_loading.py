"""The local GitHub loads plain folders and corpus files exactly, and serves them to real git."""

from __future__ import annotations

import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.standin import File, StandIn, StandInError
from tests.standin.filler import fill
from tests.standin.store import blob_id

SAMPLES = Path(__file__).parent / "standin" / "samples"
CLEAN = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
}


@pytest.fixture(scope="module")
def github() -> Iterator[StandIn]:
    with StandIn() as standin:
        standin.load_folder(SAMPLES)
        yield standin


def git(*arguments: str, given: str = "", ok: bool = True) -> str:
    done = subprocess.run(
        ["git", *arguments], input=given, capture_output=True, text=True, env={"PATH": _path(), **CLEAN}, check=False
    )
    assert (done.returncode == 0) is ok, done.stderr
    return done.stdout if ok else done.stderr


def _path() -> str:
    import os

    return os.environ["PATH"]


def files_of(standin: StandIn, name: str) -> dict[str, tuple[str, bytes | None]]:
    """Read a repository's default branch as path to mode and bytes."""
    store = standin.world.named(name).store
    commit = store.commit(standin.world.named(name).default_branch)
    assert commit is not None
    entries = store.entries(commit.tree, recursive=True)
    return {e.path: (e.mode, store.blob(e.oid)) for e in entries if e.type != "tree"}


# -- plain folders


def test_the_samples_are_loaded_byte_for_byte(github: StandIn) -> None:
    for repository in [path for owner in SAMPLES.iterdir() if owner.is_dir() for path in owner.iterdir()]:
        if not repository.is_dir():
            continue
        loaded = files_of(github, f"{repository.parent.name}/{repository.name}")
        on_disk = {
            path.relative_to(repository).as_posix(): path.read_bytes()
            for path in repository.rglob("*")
            if path.is_file()
            and not path.is_symlink()
            and path.name != ".standin.yaml"
            and "__pycache__" not in path.parts
        }
        assert {path: content for path, (mode, content) in loaded.items() if mode != "120000"} == on_disk


def test_the_samples_have_what_they_are_for(github: StandIn) -> None:
    rough = files_of(github, "quince-studio/rough-edges")
    assert rough["drafts/linked-skill/SKILL.md"] == ("120000", b"../../shared/linked-skill.md")
    assert (rough["drafts/byte-order-mark/SKILL.md"][1] or b"").startswith(b"\xef\xbb\xbf---\n")
    windows = rough["drafts/windows-lines/SKILL.md"][1] or b""
    assert windows.count(b"\n") == windows.count(b"\r\n") > 5
    assert "drafts/größenprüfer/SKILL.md" in rough
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load((rough["drafts/unquoted-colon/SKILL.md"][1] or b"").decode().split("---")[1])
    ours = files_of(github, "orchard-labs/release-kit")["skills/release-notes/SKILL.md"]
    theirs = files_of(github, "lantern-works/plugins")["plugins/shipping/skills/release-notes/SKILL.md"]
    assert ours == theirs
    assert files_of(github, "orchard-labs/data-skills")["skills/csv-tools/scripts/profile_csv.py"][0] == "100755"
    licences = {
        repo.full_name: repo.licence.spdx_id if repo.licence else None for repo in github.world.repositories.values()
    }
    assert licences == {
        "lantern-works/plugins": "MIT",
        "mira-holt/kitchen-notes": None,
        "mira-holt/regex-explainer": "MIT",
        "old-harbour/legacy-skills": "BSD-3-Clause",
        "orchard-labs/data-skills": "MIT",
        "orchard-labs/release-kit": "Apache-2.0",
        "quince-studio/field-kit": "BSD-3-Clause",
        "quince-studio/rough-edges": "MIT",
    }
    assert [r.full_name for r in github.world.repositories.values() if r.archived] == ["old-harbour/legacy-skills"]


def test_the_scripts_of_the_samples_run(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("name;age\nAnn;31\nBob;\nCid;40;extra\n", encoding="utf-8")
    script = SAMPLES / "orchard-labs/data-skills/skills/csv-tools/scripts/profile_csv.py"
    said = subprocess.run([sys.executable, script, table], capture_output=True, text=True, check=True).stdout
    assert "age: integer, 33.3% empty, 2 distinct" in said
    assert "3 rows, 1 uneven: lines 4" in said


def test_an_unknown_key_beside_a_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme/a").mkdir(parents=True)
    (tmp_path / "acme/a/.standin.yaml").write_text("starz: 3\n")
    github = StandIn()
    with pytest.raises(StandInError, match="starz"):
        github.load_folder(tmp_path)
    with pytest.raises(StandInError, match="no OWNER/NAME"):
        github.load_folder(tmp_path / "acme/a")
    github.stop()


def test_ids_depend_on_names_only(github: StandIn) -> None:
    other = StandIn()
    other.add_repository("mira-holt/kitchen-notes", {"a": "1"})
    assert other.world.named("mira-holt/kitchen-notes").id == github.world.named("mira-holt/kitchen-notes").id
    other.stop()


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    left = StandIn()
    folder = left.world.directory
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    orphan = folder.with_name(f"standin-{gone.pid}-x")
    orphan.mkdir()
    StandIn().stop()
    assert (orphan.exists(), folder.exists()) == (False, True)
    left.stop()
    assert not folder.exists()


# -- corpus files


def corpus_file(folder: Path, **changes: Any) -> Path:
    """Write a corpus file with every kind of entry."""
    texts = {"a" * 40: "---\nname: x\n---\n", "b" * 40: {"latin1": "caf\xe9"}, "c" * 40: "../a"}
    first = [
        ["SKILL.md", "100644", 16, "a" * 40],
        ["latin.txt", "100644", 4, "b" * 40],
        ["link", "120000", 4, "c" * 40],
    ]
    more = [
        ["module", "160000", None, "d" * 40],
        ['odd "name"\\.md', "100644", 16, "a" * 40],
        ["picture.png", "100644", 1000, "e" * 40],
        ["run.py", "100755", 5000, "f" * 40],
        ["unknown.txt", "100644", None, "1" * 40],
    ]
    content = {
        "full_name": "acme/real",
        "default_branch": "devel",
        "snapshots": [
            {"commit": "0" * 40, "committed_at": "2026-01-16T19:15:35+08:00", "entries": first},
            {"commit": "1" * 40, "committed_at": "2026-02-16T19:15:35-07:00", "entries": [*first, *more]},
        ],
        "texts": texts,
    }
    path = folder / "acme__real.json"
    path.write_text(json.dumps(content | changes))
    return path


def test_a_corpus_file_becomes_both_of_its_snapshots(tmp_path: Path) -> None:
    github = StandIn(cache=tmp_path / "cache")
    assert github.load_corpus_file(corpus_file(tmp_path)) == "acme/real"
    assert files_of(github, "acme/real") == {
        "SKILL.md": ("100644", b"---\nname: x\n---\n"),
        "latin.txt": ("100644", b"caf\xe9"),
        "link": ("120000", b"../a"),
    }
    github.push_snapshot("acme/real")
    files = files_of(github, "acme/real")
    assert files['odd "name"\\.md'] == files["SKILL.md"]
    assert files["module"] == ("160000", None)
    assert files["run.py"] == ("100755", fill("f" * 40, 5000, "run.py"))
    assert {
        path: len(content or b"") for path, (_, content) in files.items() if path in {"picture.png", "unknown.txt"}
    } == {
        "picture.png": 1000,
        "unknown.txt": 64,
    }
    commit = github.world.named("acme/real").store.commit("devel")
    assert commit is not None
    assert (commit.commit_time_offset, len(commit.parents)) == (-420, 1)
    github.stop()


def test_a_second_start_takes_the_cache_and_gives_the_same_commits(tmp_path: Path) -> None:
    file = corpus_file(tmp_path)
    heads = []
    for cache in ("one", "one", "two"):
        github = StandIn(cache=tmp_path / cache)
        github.load_corpus(tmp_path, "last")
        heads.append(github.repositories()[0]["snapshots"])
        github.push("acme/real", {"new": "x"})  # must not reach the cache
        github.stop()
    assert heads[0] == heads[1] == heads[2]
    made = list((tmp_path / "one").iterdir())
    assert [path.name.startswith("acme__real-") for path in made] == [True]
    corpus_file(tmp_path, default_branch="main")
    github = StandIn(cache=tmp_path / "one")
    github.load_corpus_file(file)
    assert len(list((tmp_path / "one").iterdir())) == 2
    github.stop()


def test_what_is_not_a_corpus_is_refused(tmp_path: Path) -> None:
    github = StandIn(cache=tmp_path / "cache")
    with pytest.raises(StandInError, match="no corpus files"):
        github.load_corpus(tmp_path)
    with pytest.raises(StandInError, match="not a corpus file"):
        github.load_corpus_file(corpus_file(tmp_path, texts=None))
    assert [path for path in (tmp_path / "cache").iterdir() if path.name.endswith(".git")] == []
    github.stop()


def test_filled_bytes_depend_on_the_object_id_alone() -> None:
    oid = hashlib.sha1(b"x", usedforsecurity=False).hexdigest()
    for path in ("a.py", "a.png", "a.md", "a"):
        for size in (0, 1, 15, 16, 17, 100_000):
            assert len(fill(oid, size, path)) == size
    assert fill(oid, 500, "a.py") == fill(oid, 500, "b/c.py")
    assert fill(oid, 500, "a.py") != fill("0" * 40, 500, "a.py")
    fill(oid, 5000, "a.py").decode("ascii")
    assert fill(oid, 500, "a.png").startswith(b"\x89PNG")


@pytest.mark.corpus
def test_the_real_repositories_are_as_their_files_say(corpus_directory: Path) -> None:
    """Every path, mode and size of both snapshots, and the bytes of every text, straight from the JSON."""
    github = StandIn()
    names = github.load_corpus(corpus_directory)
    checked = 0
    for file, name in zip(sorted(corpus_directory.glob("*__*.json")), names, strict=True):
        content = json.loads(file.read_bytes())
        assert content["full_name"] == name
        texts = {
            oid: blob_id(text.encode() if isinstance(text, str) else text["latin1"].encode("latin-1"))
            for oid, text in content["texts"].items()
        }
        for number, snapshot in enumerate(content["snapshots"]):
            github.push_snapshot(name, number)
            repo = github.world.named(name)
            commit = repo.store.commit(repo.default_branch)
            assert commit is not None
            entries = [e for e in repo.store.entries(commit.tree, recursive=True) if e.type != "tree"]
            told = {path: (mode, size, oid) for path, mode, size, oid in snapshot["entries"]}
            assert {e.path for e in entries} == set(told)
            for entry in entries:
                mode, size, oid = told[entry.path]
                assert entry.mode == mode
                assert entry.size == (None if mode == "160000" else 64 if size is None else size) or oid in texts
                assert oid not in texts or entry.oid == texts[oid]
                checked += 1
    github.stop()
    assert checked > 40_000


# -- git and archives


def test_partial_clone_then_blobs_by_id(github: StandIn, tmp_path: Path) -> None:
    """The crawler's way: commits and trees first, then exactly the blobs that it wants."""
    address = f"{github.url}/orchard-labs/data-skills.git"
    assert git("ls-remote", "--symref", address, "HEAD").startswith("ref: refs/heads/main\tHEAD\n")
    github.reset_wire_log()
    folder = str(tmp_path / "clone")
    git("clone", "--quiet", "--depth=1", "--filter=blob:none", "--no-checkout", address, folder)
    listed = git("-C", folder, "ls-tree", "-r", "HEAD").splitlines()
    wanted = {line.split("\t")[1]: line.split()[2] for line in listed if line.endswith("SKILL.md")}
    assert len(wanted) == 3
    missing = git("-C", folder, "rev-list", "--objects", "--missing=print", "--no-object-names", "HEAD")
    assert {f"?{oid}" for oid in wanted.values()} <= set(missing.split())
    git(
        *("-C", folder, "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags"),
        *("--no-write-fetch-head", "--filter=blob:none", "--stdin", "origin"),
        given="".join(f"{oid}\n" for oid in wanted.values()),
    )
    for path, oid in wanted.items():
        assert git("-C", folder, "cat-file", "blob", oid) == (SAMPLES / "orchard-labs/data-skills" / path).read_text()
    still_missing = git("-C", folder, "rev-list", "--objects", "--missing=print", "--no-object-names", "HEAD")
    assert len(set(missing.split()) - set(still_missing.split())) >= len(wanted)
    exchanges = github.wire_log()
    assert {exchange.kind for exchange in exchanges} == {"git"}
    assert sum(exchange.bytes_out for exchange in exchanges) > 1000


def test_an_older_commit_can_be_fetched_by_id(github: StandIn, tmp_path: Path) -> None:
    github.add_repository("acme/moved-on", {"a": "1"})
    old = github.repositories()[-1]["head"]
    github.push("acme/moved-on", {"a": "2"})
    git("init", "--quiet", "--bare", str(tmp_path / "x"))
    git("-C", str(tmp_path / "x"), "fetch", "--quiet", "--depth=1", f"{github.url}/acme/moved-on.git", old)
    assert git("-C", str(tmp_path / "x"), "show", f"{old}:a") == "1"


def test_git_is_told_what_became_of_a_repository(github: StandIn) -> None:
    base = github.url
    signed_in = base.replace("http://", f"http://x-access-token:{github.token}@")
    github.add_repository("acme/former", {"a": "1"})
    github.rename("acme/former", "latter")
    assert "refs/heads/main" in git("ls-remote", f"{base}/acme/former.git")
    assert "refs/heads/main" in git("ls-remote", f"{signed_in}/acme/latter")
    assert "could not read Username" in git("ls-remote", f"{base}/acme/nowhere.git", ok=False)
    assert "not found" in git("ls-remote", f"{signed_in}/acme/nowhere.git", ok=False)
    wrong = base.replace("http://", "http://x-access-token:wrong@")
    # As git sends credentials only when it is asked, wrong ones show where none are enough.
    assert "Authentication failed" in git("ls-remote", f"{wrong}/acme/nowhere.git", ok=False)
    github.block("acme/latter")
    assert "451" in git("ls-remote", f"{base}/acme/latter.git", ok=False)
    github.unblock("acme/latter")
    github.empty("acme/latter")
    assert git("ls-remote", f"{base}/acme/latter.git") == ""


def test_nobody_can_push_over_http(github: StandIn, tmp_path: Path) -> None:
    git("clone", "--quiet", f"{github.url}/mira-holt/kitchen-notes.git", str(tmp_path / "c"))
    head = git("-C", str(tmp_path / "c"), "rev-parse", "HEAD").strip()
    git("-C", str(tmp_path / "c"), "push", "--quiet", "origin", f"{head}:refs/heads/other", ok=False)
    assert list(github.world.named("mira-holt/kitchen-notes").store.branches()) == ["main"]


def test_archives_hold_the_tree(github: StandIn) -> None:
    with httpx.Client(base_url=github.url, follow_redirects=True) as client:
        tarball = client.get("/repos/quince-studio/rough-edges/tarball/main")
        zipped = client.get("/codeload/quince-studio/rough-edges/zip/refs/heads/main")
        assert client.get("/codeload/quince-studio/rough-edges/zip/nope").status_code == 404
    head = next(r["head"] for r in github.repositories() if r["full_name"] == "quince-studio/rough-edges")
    with tarfile.open(fileobj=io.BytesIO(tarball.content)) as archive:
        members = {member.name: member for member in archive.getmembers()}
    start = f"quince-studio-rough-edges-{head[:7]}"
    assert members[f"{start}/drafts/linked-skill/SKILL.md"].linkname == "../../shared/linked-skill.md"
    files = files_of(github, "quince-studio/rough-edges")
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as packed:
        content = {n.partition("/")[2]: packed.read(n) for n in packed.namelist() if not n.endswith("/")}
        assert packed.namelist()[0] == "rough-edges-main/"
    assert content == {path: data for path, (_, data) in files.items()}
    assert {exchange.kind for exchange in github.wire_log() if "/zip/" in exchange.path} == {"codeload"}


def test_a_symlink_and_a_submodule_can_be_pushed(github: StandIn) -> None:
    github.add_repository("acme/kinds", {"a": "1"})
    github.push("acme/kinds", {"l": File(b"a", "120000"), "m": File(b"3" * 40, "160000"), "x": File(b"#!", "100755")})
    modes = {path: mode for path, (mode, _) in files_of(github, "acme/kinds").items()}
    assert modes == {"a": "100644", "l": "120000", "m": "160000", "x": "100755"}


# -- a process of its own


def test_the_command_serves_until_it_is_ended(tmp_path: Path) -> None:
    corpus_file(tmp_path)
    command: list[str | Path] = [sys.executable, "-m", "tests.standin", "--samples", SAMPLES, "--corpus", tmp_path]
    command += ["--cache", tmp_path / "cache", "--snapshot", "last", "--token", "mine"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=SAMPLES.parents[2]) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["repositories"], ready["token"]) == (9, "mine")
        with httpx.Client(base_url=ready["url"], headers={"authorization": "token mine"}) as client:
            assert client.get("/repos/acme/real").json()["default_branch"] == "devel"
            moved = client.post("/_standin/push_snapshot", json={"name": "acme/real", "number": 0}).json()["result"]
            assert client.get("/repos/acme/real/commits/devel").json()["sha"] == moved
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.standin", "--corpus", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=SAMPLES.parents[2],
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: no corpus files")
