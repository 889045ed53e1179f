"""`skillregistry trust`, `verify`: signed metadata.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillcli import context

if TYPE_CHECKING:
    from skilldata.trust.ceremony import KeyRole, Written
    from skilldata.trust.signing import MetadataSigner

trust = typer.Typer(help="Make, change and check the signatures of what is published.", no_args_is_help=True)

Metadata = Annotated[Path | None, typer.Option(help="Folder of root and targets files (default: tuf/ of the state).")]
Passphrase = Annotated[Path | None, typer.Option("--passphrase-file", help="File with the keys' passphrase.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(trust, name="trust")
    app.command("verify")(verify)


@trust.command("init")
def trust_init(
    keys: Annotated[Path, typer.Option(help="New folder for the private keys; keep it offline.")],
    metadata: Metadata = None,
    root_keys: Annotated[int, typer.Option(min=1, max=10, help="How many root keys.")] = 2,
    threshold: Annotated[int, typer.Option(min=1, max=10, help="How many of them a root takes.")] = 1,
    bins: Annotated[int, typer.Option(min=1, max=14, help="Packages are divided into 2 to this power bins.")] = 10,
    passphrase_file: Passphrase = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys, and the first root and targets metadata."""
    from skilldata.trust.ceremony import make_root

    folder = _metadata(metadata)
    made = make_root(
        folder,
        keys,
        datetime.now(UTC),
        root_keys=root_keys,
        threshold=threshold,
        bits=bins,
        passphrase=_passphrase(passphrase_file),
    )
    text = (
        f"keys in {keys}, metadata in {folder}\n"
        f"Now: move {', '.join(path.name for path in made[:-1])} to where no network is, set trust.online_key to "
        f"{made[-1].name}, and publish."
    )
    context.show({"keys": [str(path) for path in made], "metadata": str(folder)}, as_json=as_json, text=text)


@trust.command("rotate")
def trust_rotate(
    role: Annotated[str, typer.Argument(help="root, targets or online.")],
    root_key: Annotated[list[Path], typer.Option(help="File of a root key; the first is replaced if it is root's.")],
    targets_key: Annotated[Path, typer.Option(help="File of the targets key.")],
    new_key: Annotated[Path | None, typer.Option(help="New file for the new key.")] = None,
    keep_key: Annotated[bool, typer.Option("--keep-key", help="Change no key, only sign for another year.")] = False,
    metadata: Metadata = None,
    passphrase_file: Passphrase = None,
    as_json: AsJson = False,
) -> None:
    """Write the next root and targets metadata, with another key of a role."""
    from skilldata.errors import ConfigurationError
    from skilldata.trust.ceremony import Keys, rotate
    from skilldata.trust.keys import make_key, read_key

    if (new_key is None) is not keep_key:
        raise ConfigurationError("either a new key or --keep-key is needed", remedy="Add --new-key FILE.")
    wanted = _role(role)
    passphrase = _passphrase(passphrase_file)
    keys = Keys([read_key(path, passphrase) for path in root_key], read_key(targets_key, passphrase))
    new = make_key(new_key, passphrase) if new_key else None
    written = rotate(_metadata(metadata), wanted, keys, datetime.now(UTC), new=new)
    context.show([_shown(one) for one in written], as_json=as_json, text="\n".join(map(_described, written)))


@trust.command("sign")
def trust_sign(
    name: Annotated[str, typer.Argument(help="Root or targets file, such as 2.root.json.")],
    key: Annotated[Path, typer.Option(help="Key file.")],
    metadata: Metadata = None,
    passphrase_file: Passphrase = None,
    as_json: AsJson = False,
) -> None:
    """Add a signature to a root or targets file."""
    from skilldata.trust.ceremony import add_signature
    from skilldata.trust.keys import read_key

    done = add_signature(_metadata(metadata), name, read_key(key, _passphrase(passphrase_file)))
    context.show(_shown(done), as_json=as_json, text=_described(done))


@trust.command("refresh")
def trust_refresh(as_json: AsJson = False) -> None:
    """Publish root and targets metadata made by hand, and sign anew what soon expires."""
    done = _signer().refresh(datetime.now(UTC))
    text = f"{done.targets:,} files vouched for until {done.expires:%Y-%m-%d %H:%M} UTC; {done.bins} bins signed"
    context.show({**done._asdict(), "expires": done.expires.isoformat()}, as_json=as_json, text=text)


@trust.command("verify")
def trust_verify(as_json: AsJson = False) -> None:
    """Check the published metadata from its first root on, and that what it vouches for is stored."""
    from skilldata.objects import ObjectStore
    from skilldata.publish.live import open_publishers
    from skilldata.snapshot import Snapshot
    from skilldata.store import SnapshotStore
    from skilldata.trust.revocations import read_revocations

    settings = context.settings()
    objects = ObjectStore(settings.s3)
    store = SnapshotStore(settings.state_directory / "snapshots", objects)
    with Snapshot(store.current()) as snapshot:
        revocations = open_publishers(settings, objects)[0].signed.revocations(read_revocations(snapshot))
        count = _signer().check(snapshot, revocations)
    context.show({"packages": count}, as_json=as_json, text=f"clients can trust the metadata and {count:,} packages")


def verify(
    package: Annotated[str, typer.Argument(help="A downloaded package: a file, or an http(s) address.")],
    registry: Annotated[str | None, typer.Option(help="Address of the registry (default: site.base_url).")] = None,
    root: Annotated[Path | None, typer.Option(help="Root file to trust at first.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where metadata is kept between runs.")] = None,
    statement: Annotated[
        str | None, typer.Option(help="Signed statement of where it comes from: a file, or an http(s) address.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that a package is one that the registry published and has not taken back."""
    from skillcli.verification import verify_package

    settings = context.settings()
    found = verify_package(
        package,
        registry=registry or str(settings.site.base_url),
        root=root,
        cache=cache or settings.state_directory / "trusted",
        statement=statement,
    )
    text = f"{package}: published by the registry as {found.path}"
    if found.origin is not None:
        made_from = found.origin["externalParameters"]
        commit = found.origin["resolvedDependencies"][0]["digest"]["gitCommit"]
        text += f"\nfrom {made_from['repository']}, folder {made_from['path'] or '/'}, commit {commit}"
    context.show(found._asdict(), as_json=as_json, text=text)


def _shown(written: Written) -> dict[str, str | int]:
    return {"path": str(written.path), "missing": written.missing}


def _described(written: Written) -> str:
    return f"{written.path}: {f'{written.missing} signatures missing' if written.missing else 'complete'}"


def _signer() -> MetadataSigner:
    from skilldata.objects import ObjectStore
    from skilldata.trust.signing import MetadataSigner

    settings = context.settings()
    return MetadataSigner(settings.trust, settings.state_directory, ObjectStore(settings.s3))


def _metadata(folder: Path | None) -> Path:
    from skilldata.trust.signing import FOLDER

    return folder or context.settings().state_directory / FOLDER


def _passphrase(file: Path | None) -> str | None:
    from skilldata.errors import ConfigurationError

    try:
        return file.read_text(encoding="utf-8").strip() if file else None
    except OSError as error:
        raise ConfigurationError(f"the passphrase file {file} cannot be read: {error.strerror}") from None


def _role(role: str) -> KeyRole:
    from skilldata.errors import ConfigurationError
    from skilldata.trust.ceremony import KeyRole

    try:
        return KeyRole(role)
    except ValueError:
        raise ConfigurationError(f"there is no role {role!r}", remedy="It is root, targets or online.") from None
