"""The one configuration: registry.yaml, overridden by `SKILLREGISTRY_…` variables.

Precedence, highest first: environment variable, `…_FILE` variable (a file that holds the value),
registry.yaml, the embedded services that `skillregistry up` started, the default. The code above
cannot tell an embedded service from an external one.
"""

from __future__ import annotations

import difflib
import json
import os
import typing
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import yaml
from pydantic import (
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from skilldata.errors import ConfigurationError
from skilldata.intervals import Bounds
from skilldata.models import ConfiguredSource

PREFIX = "SKILLREGISTRY_"
DEFAULT_FILE = Path("registry.yaml")
CONFIG_VARIABLE = PREFIX + "CONFIG"
MIB = 1024 * 1024


def _from_text(value: Any) -> Any:
    """Read the JSON that a secret file or a variable holds for a list."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("it is no JSON list") from None


class Section(BaseModel):
    """Base of a group of settings: a name that is not one of them is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """PostgreSQL, where the index is kept."""

    url: Annotated[SecretStr | None, Field(description="PostgreSQL address, postgresql://user:password@host/db")] = None
    pool_size: Annotated[int, Field(ge=1, le=100, description="Connections a process may hold")] = 8


class S3Settings(Section):
    """The object store, where packages and snapshots are kept."""

    endpoint: Annotated[str | None, Field(description="Address of the S3 API; empty for AWS itself")] = None
    bucket: Annotated[str, Field(description="Bucket of packages and snapshots")] = "skills"
    region: Annotated[str, Field(description="Region the requests are signed for")] = "us-east-1"
    access_key_id: Annotated[str | None, Field(description="Access key")] = None
    secret_access_key: Annotated[SecretStr | None, Field(description="Secret of the access key")] = None
    force_path_style: Annotated[bool, Field(description="Bucket in the path, not the host name")] = True
    public_url: Annotated[
        str | None, Field(description="Public address of the bucket; downloads are redirected there")
    ] = None


class TemporalSettings(Section):
    """The Temporal server, which runs the workflows."""

    server_url: Annotated[str | None, Field(description="host:port of the Temporal front end")] = None
    namespace: Annotated[str, Field(description="Temporal namespace")] = "default"
    task_queue: Annotated[str, Field(description="Queue of workflows and activities")] = "skill-registry-queue"
    tls: Annotated[bool, Field(description="Encrypt the connection; what follows here does so by itself")] = False
    tls_root: Annotated[str | None, Field(description="Certificates that the server's is checked with, in PEM")] = None
    tls_name: Annotated[
        str | None, Field(description="Name in the server's certificate, where it is not that of server_url")
    ] = None
    tls_certificate: Annotated[str | None, Field(description="Certificate that the server knows us by, in PEM")] = None
    tls_private_key: Annotated[SecretStr | None, Field(description="Key of that certificate, in PEM")] = None
    api_key: Annotated[SecretStr | None, Field(description="API key of Temporal Cloud")] = None

    @property
    def encrypted(self) -> bool:
        """Whether the connection is."""
        means = (self.tls_root, self.tls_name, self.tls_certificate, self.tls_private_key, self.api_key)
        return self.tls or any(means)


class AppSettings(Section):
    """An installation of a GitHub App."""

    app_id: Annotated[int, Field(ge=1, description="Id of the App")]
    installation_id: Annotated[int, Field(ge=1, description="Id of the installation")]
    private_key: Annotated[SecretStr, Field(description="The App's private key, in PEM")]
    private_key_file: Annotated[Path | None, Field(description="A file that holds the key instead")] = None

    @model_validator(mode="before")
    @classmethod
    def _read_key(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("private_key_file") or "private_key" in values:
            return values
        path = str(values["private_key_file"])
        try:
            return {**values, "private_key": Path(path).read_text(encoding="utf-8").strip()}
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"private_key_file names {path!r}, which cannot be read") from None


class GitHubSettings(Section):
    """GitHub, and the credentials it is asked with. Without any, named repositories still work."""

    token: Annotated[SecretStr | None, Field(description="A personal access token")] = None
    tokens: Annotated[
        tuple[SecretStr, ...],
        BeforeValidator(_from_text),
        Field(description="Further tokens; whichever has most left is used"),
    ] = ()
    apps: Annotated[
        tuple[AppSettings, ...],
        BeforeValidator(_from_text),
        Field(description="App installations, each with app_id, installation_id and private_key or private_key_file"),
    ] = ()
    reserve: Annotated[
        float, Field(ge=0, lt=1, description="Share of each limit that is kept for crawls on demand")
    ] = 0.1
    api_url: Annotated[str, Field(description="REST address; GraphQL is derived from it")] = "https://api.github.com"
    git_url: Annotated[str, Field(description="Address that git fetches from")] = "https://github.com"
    timeout_seconds: Annotated[float, Field(gt=0, le=300, description="Longest wait for one read")] = 20


class CrawlSettings(Section):
    """How much a crawl does at once, and what it refuses."""

    interval_seconds: Annotated[int, Field(ge=60, description="Time between two scheduled crawls of what is due")] = 900
    page_size: Annotated[int, Field(ge=1, le=1000, description="Repositories per page of a crawl")] = 200
    batch_size: Annotated[int, Field(ge=1, le=100, description="Repositories per GraphQL query")] = 100
    concurrency: Annotated[int, Field(ge=1, le=32, description="Repositories fetched at once by a worker")] = 4
    shortest_wait_seconds: Annotated[int, Field(ge=60, description="Least time between two looks at a repository")] = (
        3600
    )
    longest_wait_seconds: Annotated[
        int, Field(ge=3600, description="Most time between two looks at a repository, however still it is")
    ] = 604_800
    fetch_timeout_seconds: Annotated[float, Field(gt=0, description="Longest git transfer")] = 600
    fetch_max_bytes: Annotated[int, Field(ge=MIB, description="Largest pack git may receive")] = 1024 * MIB
    max_entries: Annotated[int, Field(ge=1000, description="Files and folders of a repository")] = 1_000_000

    @property
    def bounds(self) -> Bounds:
        """The least and the most that a repository waits between two looks."""
        shortest, longest = sorted((self.shortest_wait_seconds, self.longest_wait_seconds))
        return Bounds(timedelta(seconds=shortest), timedelta(seconds=longest))


class WorkerSettings(Section):
    """The worker process."""

    metrics_host: Annotated[str, Field(description="Address that the worker's /metrics and /healthz listen on")] = (
        "127.0.0.1"
    )
    metrics_port: Annotated[
        int | None, Field(ge=0, le=65535, description="Port of the worker's /metrics and /healthz; empty: none")
    ] = None


class PackageSettings(Section):
    """Limits of one skill's package; past them the skill is refused with a diagnostic."""

    max_bytes: Annotated[int, Field(ge=1, description="Unpacked bytes of a skill")] = 10 * MIB
    max_file_bytes: Annotated[int, Field(ge=1, description="Bytes of one file")] = 5 * MIB
    max_files: Annotated[int, Field(ge=1, description="Files of a skill")] = 500
    max_repository_bytes: Annotated[
        int, Field(ge=1, description="Unpacked bytes of all skills that one crawl reads of a repository")
    ] = 8192 * MIB


class LicenceSettings(Section):
    """Which licences let the registry hand out a skill's bytes."""

    redistributable: Annotated[tuple[str, ...], Field(description="SPDX ids whose packages may be downloaded")] = (
        "0BSD",
        "AGPL-3.0-only",
        "AGPL-3.0-or-later",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "GPL-2.0-only",
        "GPL-2.0-or-later",
        "GPL-3.0-only",
        "GPL-3.0-or-later",
        "ISC",
        "LGPL-3.0-only",
        "LGPL-3.0-or-later",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "Unlicense",
        "WTFPL",
        "Zlib",
    )
    also: Annotated[tuple[str, ...], Field(description="SPDX ids that are allowed besides those")] = ()
    never: Annotated[tuple[str, ...], Field(description="SPDX ids of those that are not allowed after all")] = ()

    @model_validator(mode="after")
    def _never_takes_away(self) -> Self:
        # A slip here would go on handing out what is meant to be forbidden.
        listed = {spdx.lower() for spdx in (*self.redistributable, *self.also)}
        if idle := [spdx for spdx in self.never if spdx.lower() not in listed]:
            raise ValueError(f"never: {idle[0]} is not among the licences that are allowed")
        return self

    @property
    def allowed(self) -> tuple[str, ...]:
        """The ids that the three settings come to, compared without case, as SPDX does."""
        never = {spdx.lower() for spdx in self.never}
        return tuple(spdx for spdx in (*self.redistributable, *self.also) if spdx.lower() not in never)


class SecondOpinionSettings(Section):
    """Another scanner's opinion of each content, shown beside our own verdict and never part of it."""

    python: Annotated[
        Path | None, Field(description="Python of an environment with cisco-ai-skill-scanner; empty: no second opinion")
    ] = None
    timeout_seconds: Annotated[float, Field(gt=0, le=600, description="Longest wait for one opinion")] = 60
    max_memory_bytes: Annotated[
        int, Field(ge=64 * MIB, description="Memory that a process of that scanner may take; enforced on Linux")
    ] = 512 * MIB


class TrustSettings(Section):
    """Signed metadata. Without an online key, nothing is signed."""

    online_key: Annotated[
        SecretStr | None, Field(description="Key that signs what is published, in PEM, as `trust init` makes it")
    ] = None
    passphrase: Annotated[SecretStr | None, Field(description="Passphrase of the online key")] = None


class PublishSettings(Section):
    """Where the JSON index is published to, and what must not go out by itself."""

    folder: Annotated[Path | None, Field(description="Folder to publish the JSON index to, for a web server")] = None
    bucket: Annotated[
        str | None, Field(description="Bucket to publish the JSON index to; empty for the one of packages")
    ] = None
    max_shrink: Annotated[
        float, Field(ge=0, le=1, description="Share of skills that a snapshot may lose and still go live by itself")
    ] = 0.05
    downloads_hours: Annotated[
        float, Field(ge=0, description="Time between two uploads of the large files (DuckDB, Parquet)")
    ] = 24
    keep_days: Annotated[
        float, Field(ge=0, description="How long earlier snapshots, and what nothing refers to, are kept")
    ] = 14
    purge_command: Annotated[
        tuple[str, ...], Field(description="Command that tells a CDN; it reads changed paths, one a line")
    ] = ()
    purge_url: Annotated[SecretStr | None, Field(description="Address that is sent the changed paths as JSON")] = None
    public_url: Annotated[
        str | None, Field(description="Public address of what is published; empty for s3.public_url, or the site's")
    ] = None
    client_files: Annotated[bool, Field(description="Publish the files that clients install from")] = True
    raw_files: Annotated[bool, Field(description="Publish the files of skills one by one, which OpenCode needs")] = True
    featured: Annotated[
        tuple[str, ...], Field(description="Skills that the root's index shows first, owner/repository/slug")
    ] = ()
    featured_count: Annotated[
        int, Field(ge=0, le=200, description="Skills of the root's index; clients download all of them")
    ] = 20
    marketplace_skills: Annotated[
        int, Field(ge=0, le=20_000, description="Skills of the root's marketplace.json, those with the most stars")
    ] = 1000


class BackupSettings(Section):
    """Backups of the index."""

    folder: Annotated[Path | None, Field(description="Folder to keep backups in, instead of a bucket")] = None
    bucket: Annotated[
        str | None, Field(description="Bucket to keep backups in, never a public one; empty for the one of packages")
    ] = None
    interval_seconds: Annotated[
        int, Field(ge=60, description="Time between two backups, and the most that a lost database costs")
    ] = 300
    keep_days: Annotated[
        float, Field(ge=1, description="How long backups are kept: all for a day, then one of each day")
    ] = 30


class UpkeepSettings(Section):
    """What is done to the index, and to old files, by itself."""

    interval_seconds: Annotated[
        int, Field(ge=3600, description="Time between two rounds of upkeep, and of deleting what is old")
    ] = 86_400
    keep_runs_days: Annotated[
        float, Field(ge=1, description="How long it is kept what the runs of sources did; the last of each stays")
    ] = 90


class SiteSettings(Section):
    """The static site."""

    title: Annotated[str, Field(description="Name shown on every page")] = "Agent Skill Registry"
    base_url: Annotated[AnyHttpUrl, Field(description="Public address of the site")] = TypeAdapter(
        AnyHttpUrl
    ).validate_python("http://127.0.0.1:8080/")
    report_url: Annotated[
        AnyHttpUrl | None, Field(description="Where visitors report a skill, such as a form for issues")
    ] = None


class ApiSettings(Section):
    """The HTTP API."""

    host: Annotated[str, Field(description="Address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one")] = 8080
    access_log: Annotated[bool, Field(description="Log every request, without its query and the caller's address")] = (
        False
    )
    reads_per_minute: Annotated[
        int, Field(ge=0, description="Reads of one caller in a minute, downloads apart; 0: as many as they like")
    ] = 6000
    count_downloads: Annotated[
        bool, Field(description="Count downloads by day and version, of nobody in particular")
    ] = True
    count_seconds: Annotated[float, Field(gt=0, description="Time between two tries to send counts to the index")] = 60
    count_max_bytes: Annotated[
        int, Field(ge=MIB, description="Counts that wait on the disk; beyond that downloads are not counted")
    ] = 64 * MIB


class OnDemandSettings(Section):
    """Crawls that somebody asks for: GitHub's webhook, and authors."""

    webhook_secret: Annotated[
        SecretStr | None, Field(min_length=16, description="Secret of GitHub's webhook; without one it is refused")
    ] = None
    webhook_secret_before: Annotated[
        SecretStr | None,
        Field(min_length=16, description="The secret before that, for as long as it is being replaced"),
    ] = None
    accept_unknown: Annotated[
        bool, Field(description="Let webhook and authors add repositories that no source found")
    ] = False
    client_header: Annotated[
        str, Field(description="Header in which the proxy in front names the caller; empty: there is none")
    ] = ""
    per_client_hour: Annotated[int, Field(ge=1, description="Requests of authors in an hour, of one address")] = 20
    per_repository_hour: Annotated[
        int, Field(ge=1, description="Requests of authors in an hour, for one repository")
    ] = 6
    per_hour: Annotated[int, Field(ge=1, description="Requests of authors in an hour, in all")] = 1000
    publish_quiet_seconds: Annotated[
        float, Field(ge=0, le=600, description="Publishing waits until nobody asked for this long")
    ] = 2
    publish_latest_seconds: Annotated[
        float, Field(ge=0, le=3600, description="Longest wait for that, while others keep asking")
    ] = 10


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    state_directory: Annotated[Path, Field(description="Where services, snapshots and the site are kept")] = Path("var")
    debug: Annotated[bool, Field(description="Tracebacks and verbose logs; never in production")] = False
    log_format: Annotated[
        Literal["auto", "json", "text"],
        Field(description="Logs of serve and worker; auto: text on a terminal, else JSON"),
    ] = "auto"
    sources: Annotated[tuple[ConfiguredSource, ...], Field(description="Where to look for repositories")] = ()
    sources_file: Annotated[Path | None, Field(description="A YAML file with more sources")] = None
    policy_file: Annotated[
        Path | None, Field(description="A YAML file with what is blocked and which skills have a state by decree")
    ] = None
    database: DatabaseSettings = DatabaseSettings()
    s3: S3Settings = S3Settings()
    temporal: TemporalSettings = TemporalSettings()
    github: GitHubSettings = GitHubSettings()
    crawl: CrawlSettings = CrawlSettings()
    worker: WorkerSettings = WorkerSettings()
    package: PackageSettings = PackageSettings()
    licence: LicenceSettings = LicenceSettings()
    second_opinion: SecondOpinionSettings = SecondOpinionSettings()
    trust: TrustSettings = TrustSettings()
    publish: PublishSettings = PublishSettings()
    backup: BackupSettings = BackupSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    site: SiteSettings = SiteSettings()
    api: ApiSettings = ApiSettings()
    on_demand: OnDemandSettings = OnDemandSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment above the values that `load_settings` merged from files."""
        return env_settings, init_settings

    @property
    def external_services(self) -> frozenset[str]:
        """Sections that name a service; of settings loaded without the embedded ones, the external services."""
        named = {
            "database": self.database.url,
            "s3": self.s3.endpoint or self.s3.access_key_id,
            "temporal": self.temporal.server_url,
        }
        return frozenset(name for name, address in named.items() if address)


class Setting(NamedTuple):
    """One row of the table of settings."""

    name: str  # dotted path in registry.yaml
    variable: str  # environment variable
    default: str
    help: str
    secret: bool
    many: bool = False  # a list; in JSON where it comes from a variable


def settings_table(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Setting]:
    """List every setting, in the order of the model: what docs and `skillregistry config` print."""
    for key, field in model.model_fields.items():
        name = prefix + key
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from settings_table(field.annotation, name + ".")
            continue
        yield Setting(
            name=name,
            variable=PREFIX + name.upper().replace(".", "__"),
            default="" if field.default is None else _shown(field.default),
            help=field.description or "",
            secret=_is_secret(field.annotation),
            many=typing.get_origin(field.annotation) is tuple,
        )


def embedded_services_file(state_directory: Path) -> Path:
    """Where `skillregistry up` writes the settings of the services that it started."""
    return state_directory / "services.json"


def load_settings(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    embedded: bool = True,
    **overrides: Any,
) -> Settings:
    """Read the configuration.

    Args:
        file: The configuration file. Default: `$SKILLREGISTRY_CONFIG`, else registry.yaml where there
            is one in the current directory.
        environment: Variables to read instead of the process's own, for tests.
        embedded: Whether embedded services stand in for those that are not configured.
        overrides: Values by section name, above the files and below the environment.

    Raises:
        ConfigurationError: A key is unknown or a value is wrong; the message has its path, the value
            (never a secret's) and the nearest valid name.
    """
    variables = dict(os.environ if environment is None else environment)
    path = file or (Path(variables[CONFIG_VARIABLE]) if CONFIG_VARIABLE in variables else None)
    from_file = _read_yaml(path) if path else (_read_yaml(DEFAULT_FILE) if DEFAULT_FILE.exists() else {})
    known = {setting.variable: setting for setting in settings_table()}
    _refuse_unknown_variables(variables, known)
    merged = _merge(_merge(from_file, overrides), _secret_files(variables, known))
    state = Path(variables.get(PREFIX + "STATE_DIRECTORY") or merged.get("state_directory") or "var")
    services = embedded_services_file(state)
    if embedded and services.exists():
        merged = _merge(json.loads(services.read_text())["settings"], merged)
    merged["state_directory"] = str(state.absolute())
    with _Environment(
        {key: value for key, value in variables.items() if key in known and key != PREFIX + "STATE_DIRECTORY"}
    ):
        try:
            return Settings(**merged)
        except ValidationError as error:
            raise _explain(error) from None
        except SettingsError:
            raise _unreadable(variables, known) from None


class _Environment:
    """The process's environment with only these `SKILLREGISTRY_…` variables, for one `with` block."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._wanted = dict(variables)
        self._saved: dict[str, str] = {}

    def __enter__(self) -> None:
        self._saved = {key: value for key, value in os.environ.items() if key.startswith(PREFIX)}
        for key in self._saved:
            del os.environ[key]
        os.environ.update(self._wanted)

    def __exit__(self, *exception: object) -> None:
        for key in self._wanted:
            os.environ.pop(key, None)
        os.environ.update(self._saved)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        raise ConfigurationError(
            f"configuration file not found: {path}",
            remedy="Name an existing file, or leave it out to use the defaults.",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}", remedy="Mend the line that is named.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must be a mapping of settings", remedy="See `skillregistry config --table`.")
    return content


def _merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two nested mappings; `high` wins."""
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _secret_files(variables: Mapping[str, str], known: Mapping[str, Setting]) -> dict[str, Any]:
    """Read `SKILLREGISTRY_X_FILE` for every setting X whose own variable is not set."""
    found: dict[str, Any] = {}
    for variable, setting in known.items():
        path = variables.get(variable + "_FILE")
        # `sources_file` is a setting itself, and not the file of `sources`.
        if not path or variable in variables or variable + "_FILE" in known:
            continue
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(
                f"{variable}_FILE names {path!r}, which cannot be read: {error.strerror}",
                remedy="Point it at a readable file that holds only the value.",
            ) from None
        nested: dict[str, Any] = {setting.name.rsplit(".", 1)[-1]: value}
        for part in reversed(setting.name.split(".")[:-1]):
            nested = {part: nested}
        found = _merge(found, nested)
    return found


def _refuse_unknown_variables(variables: Mapping[str, str], known: Mapping[str, Setting]) -> None:
    allowed = {*known, *(name + "_FILE" for name in known), CONFIG_VARIABLE}
    for variable in variables:
        # Variables of the tests and benchmarks are theirs.
        if not variable.startswith(PREFIX) or variable in allowed or variable.startswith(PREFIX + "TEST_"):
            continue
        raise ConfigurationError(f"unknown environment variable {variable}", remedy=_nearest(variable, allowed))


def _explain(error: ValidationError) -> ConfigurationError:
    """Turn pydantic's first complaint into one sentence with path, value and nearest name."""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    shown = "(secret)" if _may_be_secret(path) else repr(first.get("input"))[:80]
    if first["type"] == "extra_forbidden":
        names = {setting.name for setting in settings_table()}
        return ConfigurationError(f"unknown setting {path} = {shown}", remedy=_nearest(path, names))
    return ConfigurationError(
        f"{path} = {shown} is not valid: {first['msg']}",
        remedy="See `skillregistry config --table` for what it takes.",
    )


def _unreadable(variables: Mapping[str, str], known: Mapping[str, Setting]) -> ConfigurationError:
    """Name the variable of a list that is no JSON, without its value."""
    for variable, setting in known.items():
        try:
            if setting.many and variable in variables:
                json.loads(variables[variable])
        except ValueError:
            return ConfigurationError(f"{variable} is no JSON list", remedy='Write it as ["first", "second"].')
    return ConfigurationError("a variable cannot be read", remedy="Write lists as JSON.")


def _may_be_secret(path: str) -> bool:
    """Whether a value may be a secret: one of a secret setting, or an unknown name beside one, mistyped perhaps."""
    table = list(settings_table())
    if any(setting.secret and f"{path}.".startswith(f"{setting.name}.") for setting in table):
        return True
    section = path.split(".", maxsplit=1)[0]
    known = any(setting.name == path for setting in table)
    return not known and any(setting.secret and setting.name.startswith(f"{section}.") for setting in table)


def _nearest(name: str, names: typing.Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else "`skillregistry config --table` lists every setting."


def _is_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_is_secret(field.annotation) for field in annotation.model_fields.values())
    return annotation is SecretStr or any(_is_secret(part) for part in typing.get_args(annotation))


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return ", ".join(str(part) for part in default)
    return str(default).lower() if isinstance(default, bool) else str(default)
