"""Publishing: what readers see at every moment, what is uploaded, what is held back."""

from __future__ import annotations

import gzip
import hashlib
import json
import posixpath
import random
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from skilldata.config import PublishSettings
from skilldata.errors import IntegrityError, NotFound
from skilldata.jsonindex.build import build_json_index
from skilldata.jsonindex.client import IndexClient, fetch_package, http_reader, look_up
from skilldata.jsonindex.documents import (
    PUBLISHED,
    Downloads,
    Entry,
    Revocations,
    SourceHealth,
    Status,
    encode,
    json_schema,
)
from skilldata.jsonindex.tree import IndexTree, Read, parse
from skilldata.objects import IMMUTABLE, SHORT, package_key
from skilldata.observed import Observed, write_observed
from skilldata.publish.guard import SnapshotHeld
from skilldata.publish.order import ROOT, Kind
from skilldata.publish.publisher import Publisher
from skilldata.publish.small import skill_path
from skilldata.publish.target import BucketTarget, FolderTarget
from skilldata.snapshot import JSON_INDEX, Snapshot, read_info
from tests.conftest import ROOT as ROOT_FOLDER
from tests.conftest import Registry
from tests.serving import QuietHandler, answering
from tests.snapshots import SAMPLES, SampleSkill, make_snapshot, packages, sample_skill, synthetic_skills

KEEP = PublishSettings(downloads_hours=24)
SOURCE = SourceHealth(
    kind="owner", target="acme", health="ok", succeeded_at=datetime(2026, 3, 1, tzinfo=UTC), repositories=1, skills=3
)


def built(folder: Path, skills: Sequence[SampleSkill], sources: Sequence[SourceHealth] = (SOURCE,)) -> Path:
    """A snapshot with its JSON index."""
    make_snapshot(folder, skills)
    with Snapshot(folder) as snapshot:
        build_json_index(snapshot, folder / JSON_INDEX)
    write_observed(folder, Observed(sources=tuple(sources)))
    return folder


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Place:
    """A published folder with everything that tests ask about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.target = FolderTarget(folder / "public")

    def publisher(self, target: Any = None, settings: PublishSettings = KEEP) -> Publisher:
        return Publisher(target or self.target, settings, lock=self.folder / "lock", clock=self.clock)

    def read(self, path: str, limit: int) -> bytes:
        data = self.target.get(ROOT + path)
        if len(data) > limit:
            raise IntegrityError(f"{path} is too large")
        return data


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def addresses(read: Read) -> list[str]:
    """Every record of the live index, after a look at all that its entry refers to."""
    entry = parse(Entry, read("entry.json", 1 << 20), "entry")
    for delta in entry.deltas:
        read(f"objects/{delta.digest[7:9]}/{delta.digest[7:]}.gz", delta.size)
    return [line.address for line in IndexTree(entry, read).lines()]


def skills(*names: str, body: str = "body\n") -> list[SampleSkill]:
    base = synthetic_skills(1)[0]
    return [replace(base, slug=name, path=name, name=name, description=f"{body} {name}") for name in names]


def test_an_unchanged_snapshot_is_published_once(place: Place, tmp_path: Path) -> None:
    folder = built(tmp_path / "one", SAMPLES)
    first = place.publisher().publish(folder)
    assert first.changed
    before = {path: place.target.get(path) for path, _ in place.target.paths("")}
    second = place.publisher().publish(folder)
    assert not second.changed
    after = {path: place.target.get(path) for path, _ in place.target.paths("")}
    assert {path for path in after if before.get(path) != after[path]} <= {
        ROOT + "status.json",
        ROOT + "status.json.gz",
    }


def test_readers_find_every_listed_skill_that_has_an_address(place: Place, tmp_path: Path) -> None:
    place.publisher().publish(built(tmp_path / "one", SAMPLES))
    found = [one for one in addresses(place.read) if one.count("/") == 2]
    assert "acme/tools/pdf-forms" in found
    assert not [one for one in found if ".." in one]
    record = look_up(place.read, "ACME/tools/pdf-forms")
    assert [version.label for version in record.versions] == ["1.2.0", "1.1.0", "1.0.0"]
    assert parse(type(record), place.read(skill_path("acme/tools/pdf-forms"), 1 << 20), "it") == record
    listed = json.loads(place.read("repositories/acme/tools.json", 1 << 20))["skills"]
    assert [one["slug"] for one in listed] == ["commit-message", "csv-tools", "pdf-forms"]
    owner = json.loads(place.read("owners/acme.json", 1 << 20))
    assert owner["repositories"][0]["skills"] == ["commit-message", "csv-tools", "pdf-forms"]
    with pytest.raises(NotFound):
        look_up(place.read, "acme/tools/none")


def test_every_document_keeps_to_the_published_schema(place: Place, tmp_path: Path) -> None:
    place.publisher().publish(built(tmp_path / "one", SAMPLES))
    place.publisher().publish(built(tmp_path / "two", SAMPLES[1:]), even_if_smaller=True)
    schema = json.loads(place.read("schema.json", 1 << 20))
    assert schema == json_schema()

    def check(model: str, data: bytes) -> None:
        jsonschema_rs.validate({"$ref": f"#/$defs/{model}", **schema}, json.loads(data))

    for model, path in (("Entry", "entry.json"), ("Status", "status.json"), ("History", "history.json")):
        check(model, place.read(path, 1 << 20))
    for path, _ in place.target.paths(ROOT):
        kind = {"skills": "SkillRecord", "repositories": "RepositoryDocument", "owners": "OwnerDocument"}
        if (folder := path.removeprefix(ROOT).split("/")[0]) in kind:
            check(kind[folder], place.target.get(path))
    feed = place.read("changes/2026-05-01.jsonl", 1 << 20).splitlines()
    assert [json.loads(line)["change"] for line in feed] == ["removed"]
    check("FeedLine", feed[0])
    with pytest.raises(jsonschema_rs.ValidationError):
        check("Entry", b'{"format": 1}')


def test_the_examples_of_the_documentation_have_the_fields_of_the_schema() -> None:
    """Digests are cut short there, so fields are compared and values are not."""
    text = (ROOT_FOLDER / "docs" / "formats.md").read_text(encoding="utf-8").partition("## The JSON index")[2]
    models = {frozenset(model.model_fields): model.__name__ for model in PUBLISHED}
    decoder, seen = json.JSONDecoder(), set()
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        rest = block
        while rest := rest.lstrip():
            example, end = decoder.raw_decode(rest)
            seen.add(models[frozenset(example)])
            rest = rest[end:]
    assert seen == set(models.values()) - {"Chains"}


def test_what_is_gone_is_gone_from_every_document(place: Place, tmp_path: Path) -> None:
    place.publisher().publish(built(tmp_path / "one", skills("a", "b", "c")))
    place.publisher().publish(built(tmp_path / "two", skills("a", "c")), even_if_smaller=True)
    owner = skills("a")[0].repository
    where = f"{owner.owner}/{owner.name}".lower()
    assert place.target.size(ROOT + skill_path(f"{where}/b")) is None
    assert [one["slug"] for one in json.loads(place.read(f"repositories/{where}.json", 1 << 20))["skills"]] == [
        "a",
        "c",
    ]
    assert addresses(place.read) == [where, *sorted([f"{where}/a", f"{where}/c"], key=addresses(place.read).index)]


def test_only_what_changed_is_uploaded(place: Place, tmp_path: Path) -> None:
    many = synthetic_skills(2000, body_bytes=300)
    full = place.publisher().publish(built(tmp_path / "one", many))
    changed = [replace(one, description="Does another thing.") if n < 20 else one for n, one in enumerate(many)]
    small = place.publisher().publish(built(tmp_path / "two", changed))
    assert small.puts < full.puts * 0.03
    assert small.put_bytes < full.put_bytes * 0.05


def test_a_client_that_is_behind_needs_two_documents_at_most(place: Place, tmp_path: Path) -> None:
    clients = {}
    for number in range(20):
        names = [f"skill-{n}" for n in range(30) if n % 7 != number % 7] + [f"new-{number}"]
        place.publisher().publish(built(tmp_path / str(number), skills(*names)), even_if_smaller=True)
        place.clock.now += timedelta(hours=6)
        clients[19 - number] = client = IndexClient(place.read)
        assert client.refresh().whole
    expected = sorted(addresses(place.read))
    for behind, client in clients.items():
        done = client.refresh()
        assert not done.whole, behind
        assert done.deltas == min(behind, 1) if behind <= 8 else done.deltas <= 2
        assert sorted(line for line in expected if client.get(line)) == expected
        assert len(client) == len(expected)


def test_a_client_refuses_what_was_tampered_with(place: Place, tmp_path: Path) -> None:
    place.publisher().publish(built(tmp_path / "one", skills("a", "b")))
    client = IndexClient(place.read)
    client.refresh()
    place.publisher().publish(built(tmp_path / "two", skills("a", "b", body="new")), even_if_smaller=True)
    entry = parse(Entry, place.read("entry.json", 1 << 20), "entry")
    [delta] = entry.deltas
    path = f"{ROOT}objects/{delta.digest[7:9]}/{delta.digest[7:]}.gz"
    whole = place.target.get(path)
    for bad in (whole[:-1], whole + b"\0", bytes([whole[0] ^ 1]) + whole[1:]):
        place.target.put(path, bad, Kind("", ""))
        with pytest.raises(IntegrityError):
            client.refresh()
        assert client.entry is not None
        assert client.entry.snapshot != entry.snapshot
    place.target.put(path, whole, Kind("", ""))
    assert client.refresh().changed == 2
    wrong = entry.model_copy(update={"records_digest": "sha256:" + "0" * 64})
    place.target.put(ROOT + "entry.json", wrong.model_dump_json().encode(), Kind("", ""))
    with pytest.raises(IntegrityError, match="do not add up"):
        IndexClient(place.read).refresh()


def test_a_snapshot_that_lost_skills_or_a_source_waits_for_a_maintainer(place: Place, tmp_path: Path) -> None:
    first = built(tmp_path / "one", skills(*(f"s{n}" for n in range(40))))
    place.publisher().publish(first)
    live = place.target.get(ROOT + "entry.json")
    smaller = built(tmp_path / "two", skills(*(f"s{n}" for n in range(37))))
    with pytest.raises(SnapshotHeld, match="it has 37 skills, the live one has 40"):
        place.publisher().publish(smaller)
    silent = built(tmp_path / "three", skills(*(f"s{n}" for n in range(41))), [SOURCE.model_copy(update={"skills": 0})])
    with pytest.raises(SnapshotHeld, match="owner acme gave 3 skills and gives none"):
        place.publisher().publish(silent)
    assert place.target.get(ROOT + "entry.json") == live
    status = parse(Status, place.read("status.json", 1 << 20), "status")
    assert status.held is not None
    assert (status.sources[0].skills, status.sources[0].floor) == (0, 3)
    place.publisher().publish(silent, even_if_smaller=True)
    assert parse(Status, place.read("status.json", 1 << 20), "status").held is None


def test_between_two_uploads_of_the_large_files_what_changed_goes_out(place: Place, tmp_path: Path) -> None:
    many = synthetic_skills(400, body_bytes=2000)

    def publish(skills: Sequence[SampleSkill]) -> Downloads:
        made = built(tmp_path / "made", skills)
        folder = made.rename(tmp_path / read_info(made).id)
        place.publisher().publish(folder, even_if_smaller=True)
        place.clock.now += timedelta(hours=1)
        entry = parse(Entry, place.read("entry.json", 1 << 20), "entry")
        assert entry.downloads is not None
        for one in (*entry.downloads.files, *entry.downloads.changes):
            assert f"sha256:{hashlib.sha256(place.read(one.path, one.size)).hexdigest()}" == one.digest
        return entry.downloads

    first = publish(many)
    assert (first.changed_to, first.changes) == (None, ())
    second = publish([*many[3:], replace(many[0], description="Does another thing.")])
    assert (second.snapshot, second.files) == (first.snapshot, first.files)
    assert {"document.parquet", "skill.parquet"} <= {Path(one.path).name for one in second.changes}
    assert second.changed_to != first.snapshot
    back = publish(many[:200])  # half is gone: that is small to say
    assert back.snapshot == first.snapshot
    noise = random.Random(5)
    anew = [sample_skill(one.repository, one.slug or "", "Is new.", noise.randbytes(6000).hex()) for one in many]
    other = publish(anew)
    assert other.snapshot != first.snapshot, "where most rows differ, the files go out whole"
    place.clock.now += timedelta(days=1)
    later = publish(anew[:399])
    assert later.snapshot != other.snapshot, "they are a day old"
    assert later.changes == ()


def test_a_yanked_skill_has_a_record_that_says_so_and_is_in_no_list(place: Place, tmp_path: Path) -> None:
    place.publisher().publish(built(tmp_path / "one", SAMPLES))
    assert not look_up(place.read, "acme/tools/pdf-forms").yanked
    changed = [replace(SAMPLES[0], state="yanked"), *SAMPLES[1:]]
    place.publisher().publish(built(tmp_path / "two", changed), even_if_smaller=True)
    record = look_up(place.read, "acme/tools/pdf-forms")
    assert record.yanked
    assert all(version.redistributable for version in record.versions)
    assert place.read(skill_path("acme/tools/pdf-forms"), 1 << 20) == encode(record)
    for path in ("repositories/acme/tools.json", "owners/acme.json"):
        slugs = place.read(path, 1 << 20)
        assert b"pdf-forms" not in slugs
        assert b"csv-tools" in slugs


def test_going_back_gives_the_very_bytes(place: Place, tmp_path: Path) -> None:
    place.publisher().publish(built(tmp_path / "one", skills("a", "b")))
    shown = {path: place.target.get(path) for path, _ in place.target.paths(ROOT)}
    first = parse(Entry, place.read("entry.json", 1 << 20), "entry").snapshot
    place.clock.now += timedelta(hours=1)
    place.publisher().publish(built(tmp_path / "two", skills("a", "c", body="new")), even_if_smaller=True)
    place.publisher().go_back(first)
    for path, data in shown.items():
        if not path.removesuffix(".gz").endswith(("status.json", "history.json")):
            assert place.target.get(path) == data, path
    with pytest.raises(NotFound):
        place.publisher().go_back("20260101T000000Z-000000000000")


def test_what_nothing_refers_to_is_deleted_after_the_window_and_not_before(place: Place, tmp_path: Path) -> None:
    keep = timedelta(days=14)
    for number in range(12):
        place.publisher().publish(built(tmp_path / str(number), skills("a", f"b{number}")), even_if_smaller=True)
        place.clock.now += timedelta(days=40)
    everything = {path for path, _ in place.target.paths("")}
    dry = place.publisher().collect(place.clock.now, keep, dry_run=True)
    assert {path for path, _ in place.target.paths("")} == everything
    first = place.publisher().collect(place.clock.now, keep, dry_run=False)
    assert first.snapshots == dry.snapshots != []
    assert first.deleted == []
    assert first.waiting > 0
    again = place.publisher().collect(place.clock.now + timedelta(days=13), keep, dry_run=False)
    assert again.deleted == []
    last = place.publisher().collect(place.clock.now + timedelta(days=14), keep, dry_run=False)
    assert len(last.deleted) == first.waiting
    assert addresses(place.read)
    for one in place.publisher().published.history():
        place.publisher().go_back(one.snapshot)
        assert addresses(place.read)


def test_another_bucket_gets_the_packages_that_may_be_handed_out(
    registry: Registry, place: Place, tmp_path: Path
) -> None:
    folder = built(tmp_path / "one", SAMPLES)
    for digest, data in packages().items():
        registry.objects.put(package_key(digest), data, content_type="application/zip")
    lock = tmp_path / "lock"
    Publisher(place.target, KEEP, lock=lock, packages=registry.objects).publish(folder)
    entry = parse(Entry, place.read("entry.json", 1 << 20), "entry")
    open_, closed = look_up(place.read, "acme/tools/pdf-forms"), look_up(place.read, "nolicence/notes/meeting-notes")

    def read(path: str, limit: int) -> bytes:
        return place.target.get(posixpath.normpath(ROOT + path))[: limit + 1]

    for version in open_.versions:
        assert fetch_package(read, entry, version) == packages()[version.package_digest]
    with pytest.raises(NotFound):
        fetch_package(read, entry, closed.versions[0])


class _Killed(BaseException):
    """The process ends here."""


class _Mortal(FolderTarget):
    """A folder whose publisher is killed at the n-th write."""

    def __init__(self, folder: Path, lives: int) -> None:
        super().__init__(folder)
        self.lives = lives

    def put(self, path: str, data: bytes, kind: Kind) -> None:
        self._live()
        super().put(path, data, kind)

    def delete(self, path: str) -> None:
        self._live()
        super().delete(path)

    def _live(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise _Killed


def test_a_publisher_that_is_killed_leaves_a_whole_index_and_the_next_one_ends_the_work(
    place: Place, tmp_path: Path
) -> None:
    versions = [
        built(tmp_path / f"s{n}", skills(*(f"skill-{k}" for k in range(9) if k != n), body=f"text {n}"))
        for n in range(4)
    ]
    place.publisher().publish(versions[0])
    seeds = random.Random(7)
    expected = {folder.name: _listed(folder) for folder in versions}
    for round_ in range(40):
        folder = versions[1 + round_ % 3]
        mortal = _Mortal(tmp_path / "public", seeds.randrange(25))
        with suppress(_Killed):
            place.publisher(mortal).publish(folder, even_if_smaller=True)
        assert sorted(addresses(place.read)) in expected.values()
        place.clock.now += timedelta(hours=1)
    place.publisher().publish(versions[0], even_if_smaller=True)
    assert sorted(addresses(place.read)) == expected["s0"]
    documents = [path.removeprefix(f"{ROOT}skills/")[:-5] for path, _ in place.target.paths(f"{ROOT}skills/")]
    assert sorted(documents) == [one for one in expected["s0"] if one.count("/") == 2]
    for one in documents:
        assert place.read(skill_path(one), 1 << 20) == IndexTree(
            parse(Entry, place.read("entry.json", 1 << 20), "entry"), place.read
        ).line(one)


def test_a_compressed_form_that_a_killed_publisher_left_ahead_is_mended(place: Place, tmp_path: Path) -> None:
    folder = built(tmp_path / "one", skills("a", "b"))
    place.publisher().publish(folder)
    before = place.target.get(f"{ROOT}entry.json.gz")
    for name in ("entry.json", "history.json", "schema.json"):
        place.target.put(f"{ROOT}{name}.gz", b"of the snapshot that never became live", Kind("", ""))
    place.publisher().publish(folder)
    assert place.target.get(f"{ROOT}entry.json.gz") == before
    for name in ("entry.json", "history.json", "schema.json", "status.json"):
        assert gzip.decompress(place.target.get(f"{ROOT}{name}.gz")) == place.target.get(ROOT + name)


def test_a_bucket_serves_the_same(registry: Registry, tmp_path: Path) -> None:
    target = BucketTarget(registry.objects, has_packages=True)
    publisher = Publisher(target, KEEP, lock=tmp_path / "lock")
    publisher.publish(built(tmp_path / "one", skills("a", "b")))
    nothing = Revocations(snapshot=f"20260101T000000Z-{'0' * 12}", as_of=datetime(2026, 1, 1, tzinfo=UTC))
    report = publisher.publish(built(tmp_path / "two", skills("a", "b", "c")), revocations=nothing)
    assert report.changed
    read = lambda path, _: target.get(ROOT + path)  # noqa: E731
    assert len(addresses(read)) == 4
    wanted = {
        "entry.json": ("application/json", SHORT),
        "entry.json.gz": ("application/gzip", SHORT),
        "status.json": ("application/json", SHORT),
        "history.json": ("application/json", SHORT),
        "schema.json": ("application/json", SHORT),
        "state.json": ("application/json", "no-cache"),
        "revocations.json": ("application/json", "public, max-age=60"),
        "objects/": ("application/gzip", IMMUTABLE),
        "downloads/": ("application/octet-stream", IMMUTABLE),
        "trees/": ("application/json", IMMUTABLE),
        "entries/": ("application/json", IMMUTABLE),
        "signed/": ("application/json", IMMUTABLE),
        "skills/": ("application/json", SHORT),
        "repositories/": ("application/json", SHORT),
        "owners/": ("application/json", SHORT),
        "changes/": ("application/jsonl", SHORT),
    }
    met = set()
    for key, _ in target.paths(ROOT):
        name = key.removeprefix(ROOT)
        kind = name if "/" not in name else name.split("/")[0] + "/"
        kind = kind if kind.startswith("entry") else kind.removesuffix(".gz")
        head = registry.objects._client.head_object(Bucket=registry.objects.bucket, Key=key)
        type_ = "application/gzip" if key.endswith(".gz") else wanted[kind][0]
        assert (head["ContentType"], head["CacheControl"], head.get("ContentEncoding", "")) == (
            type_,
            wanted[kind][1],
            "",
        )
        met.add(kind)
    assert met == set(wanted)
    for name in ("entry.json", "revocations.json"):
        assert gzip.decompress(target.get(f"{ROOT}{name}.gz")) == target.get(ROOT + name)


def test_a_reader_of_the_network_has_bounds() -> None:
    with pytest.raises(IntegrityError, match="no web address"):
        http_reader("file:///etc/")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (gzip.compress(b"x" * 1000), b"x" * 1000),
        (gzip.compress(b"x" * 1001), "more than 1000 bytes"),
        (gzip.compress(bytes(1 << 20)), "more than 1000 bytes"),
        (gzip.compress(b"x" * 1000)[:-9], "cut off"),
        (b"no gzip", "does not unpack"),
    ],
    ids=["as long as allowed", "a byte longer", "a bomb", "cut off", "no gzip"],  # gzip's bytes have the time in them
)
def test_what_a_server_compressed_is_unpacked_and_has_bounds(sent: bytes, expected: bytes | str) -> None:
    class Handler(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            assert self.headers["Accept-Encoding"] == "gzip"
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(sent)

    with answering(Handler) as address:
        read = http_reader(f"{address}/index/v1/")
        if isinstance(expected, bytes):
            assert read("entry.json", 1000) == expected
        else:
            with pytest.raises(IntegrityError, match=expected):
                read("entry.json", 1000)


def _listed(folder: Path) -> list[str]:
    index = IndexTree(
        parse(_tree(), (folder / JSON_INDEX / "tree.json").read_bytes(), "tree"),
        lambda path, _: (folder / JSON_INDEX / path).read_bytes(),
    )
    return sorted(line.address for line in index.lines())


def _tree() -> Any:
    from skilldata.jsonindex.documents import Tree

    return Tree
