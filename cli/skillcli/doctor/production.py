"""What is harmless on a desk and must not be so on the network."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

from skillapi.headers import HEADERS
from skillcli.doctor.finding import Finding, State, judged
from skilldata.backup import open_backups
from skilldata.config import Settings
from skilldata.health import metadata_expiry
from skilldata.objects import ObjectStore

SHORTEST = 16  # characters of a secret
KNOWN = frozenset({"password", "postgres", "changeme", "secret", "minioadmin", "skillregistry", "admin", "test"})
ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
LOOKED_AT = 10_000  # files of the state directory


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Debugging is off, secrets are no defaults, and what crosses the network is encrypted."""
    yield judged("debug", not settings.debug, "on" if settings.debug else "off", "Set debug to false.")
    for name, secret in _secrets(settings):
        weak = _weak(secret)
        told = "a default or too short" if weak else "long enough"
        yield judged(f"secret {name}", not weak, told, "Make another: openssl rand -hex 32.")
    address = settings.database.url.get_secret_value() if settings.database.url else ""
    parts = urlsplit(address)
    mode = parse_qs(parts.query).get("sslmode", ["none"])[-1]
    socket = not parts.hostname
    yield judged(
        "TLS to PostgreSQL",
        socket or mode in ENCRYPTED,
        "a local socket" if socket else f"sslmode is {mode}",
        "Add ?sslmode=verify-full to database.url.",
    )
    endpoint = settings.s3.endpoint or "https://"
    # A name without a dot is a container's, and its network is this machine's.
    private = "." not in (urlsplit(endpoint).hostname or "")
    yield judged(
        "TLS to the object store",
        private or endpoint.startswith("https://"),
        endpoint,
        "Set an https s3.endpoint.",
    )
    temporal = settings.temporal.server_url or "localhost:7233"
    near = "." not in temporal.rpartition(":")[0] or temporal.startswith("127.")
    yield judged(
        "TLS to Temporal",
        near or settings.temporal.encrypted,
        f"{temporal}, {'encrypted' if settings.temporal.encrypted else 'not encrypted'}",
        "Set temporal.tls, or temporal.api_key of Temporal Cloud.",
    )
    site = str(settings.site.base_url)
    yield judged("public address", site.startswith("https://"), site, "Set site.base_url to the https address.")
    shared = HEADERS.get("Access-Control-Allow-Origin") == "*" and "Access-Control-Allow-Credentials" in HEADERS
    yield judged("origins", not shared, "no credentials are shared with other origins", "Report this.")


def check_trust(settings: Settings) -> Iterator[Finding]:
    """What is published is signed."""
    objects = ObjectStore(settings.s3)
    signed = settings.trust.online_key is not None and metadata_expiry(objects) is not None
    told = "what is published is signed" if signed else "nothing is signed"
    yield judged("signatures", signed, told, "Run `skillregistry trust init`, set trust.online_key, and publish.")
    yield judged(
        "versioning in production",
        objects.versioned(),
        "on" if objects.versioned() else "off",
        "Enable versioning of the bucket: it undoes what was deleted by mistake.",
    )


def check_backups(settings: Settings) -> Iterator[Finding]:
    """There is a backup, and it would survive the bucket of packages."""
    kept = open_backups(settings)
    yield judged("backups", bool(kept.list()), f"{len(kept.list())} are kept", "Run `skillregistry backup create`.")
    apart = settings.backup.folder is not None or settings.backup.bucket not in {None, settings.s3.bucket}
    told = "apart from the packages" if apart else f"in bucket {settings.s3.bucket}, with the packages"
    yield judged("place of backups", apart, told, "Set backup.bucket to another bucket.", otherwise=State.WARN)


def check_state(settings: Settings) -> Iterator[Finding]:
    """Nobody else may write to the state directory or read what is secret there."""
    open_to_all = []
    for number, path in enumerate(_below(settings.state_directory)):
        if number == LOOKED_AT:
            break
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & stat.S_IWOTH and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
            open_to_all.append(path)
    yield judged(
        "state directory",
        not open_to_all,
        f"everybody may write to {open_to_all[0]}" if open_to_all else "closed to others",
        f"chmod -R o-w {settings.state_directory}",
    )


def _below(folder: Path) -> Iterator[Path]:
    if folder.exists():
        yield folder
        yield from folder.rglob("*")


def _secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    url = settings.database.url
    password = urlsplit(url.get_secret_value()).password if url else None
    if password is not None:
        yield "in database.url", unquote(password)
    named: dict[str, SecretStr | None] = {
        "s3.secret_access_key": settings.s3.secret_access_key,
        "on_demand.webhook_secret": settings.on_demand.webhook_secret,
        "temporal.api_key": settings.temporal.api_key,
    }
    for name, secret in named.items():
        if secret is not None:
            yield name, secret.get_secret_value()


def _weak(secret: str) -> bool:
    return len(secret) < SHORTEST or secret.lower() in KNOWN or len(set(secret)) < 6
