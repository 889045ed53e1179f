"""Faults of the network in between: every single call lost once, and a way that is long."""

from __future__ import annotations

import asyncio
import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from skillcli import crawls
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.errors import RegistryError
from skilldata.fsck import Fsck
from skilldata.publish.live import open_publishers
from skilldata.sources import parse_source
from skilldata.store import SnapshotStore
from tests.conftest import Registry
from tests.drills.drill import Done, Drill, Stage, fsck, process, published, registry_of
from tests.drills.proxy import Break, Proxy
from tests.drills.serving import SKILL, _status
from tests.ports import free_port
from tests.waiting import wait_until

REPOSITORY = "drill/calls"
FEW = 2  # calls of each service that the quick run breaks
DELAY = 0.3  # seconds
FILES = 40  # packages that are downloaded over the long way, and as many with resets


def every_call(stage: Stage) -> Done:
    """Lose each call of a crawl that publishes, to each service, before and after the service has heard it."""
    measured: dict[str, float] = {"broken calls": 0, "calls that stopped the command": 0}
    wrong: list[str] = []
    with registry_of(stage) as registry, _behind_proxies(registry.settings) as (settings, proxies):
        stage.github.add_repository(REPOSITORY, {"a/SKILL.md": SKILL.format(name="a", text="First.")})
        _crawl(settings)
        for name, proxy in proxies.items():
            _push(stage, f"{name}, undisturbed")
            proxy.calls = 0
            _crawl(settings)
            measured[f"calls to {name}"] = whole = proxy.calls
            numbers = range(1, whole + 1, max(1, whole // FEW) if stage.quick else 1)
            for fault in (Break(number, heard) for number in numbers for heard in (False, True)):
                measured["broken calls"] += 1
                what = f"{name}, call {fault.call}, {'heard' if fault.heard else 'not heard'}"
                _push(stage, what)
                proxy.calls, proxy.broken = 0, fault
                try:
                    _crawl(settings)
                except RegistryError:  # it said so, and is started again
                    measured["calls that stopped the command"] += 1
                    proxy.broken = None
                    _crawl(settings)
                except Exception as error:
                    wrong.append(f"{what}: {type(error).__name__}: {str(error)[:200]}")
                finally:
                    proxy.broken = None
                wrong += [f"{what}: {one}" for one in _problems(registry, what)]
    return Done("one new version each, in the index and live; fsck", measured, wrong)


def long_way(stage: Stage) -> Done:
    """Put the object store far away, and then break connections to it."""
    measured: dict[str, float] = {"delay": DELAY}
    with registry_of(stage) as registry, _behind_proxies(registry.settings) as (settings, proxies):
        files = {f"{n}/SKILL.md": SKILL.format(name=f"s{n}", text=f"Number {n}.") for n in range(2 * FILES)}
        stage.github.add_repository("drill/far", files)
        published(registry, "drill/far")
        digests = [str(row[0]) for row in registry.rows("SELECT package_digest FROM package ORDER BY 1")]
        registry.environment["SKILLREGISTRY_S3__ENDPOINT"] = str(settings.s3.endpoint)
        port = free_port()
        with process(registry, "serve", "--port", str(port)):
            wait_until(lambda: _status(port, "/readyz") == 200, 60)
            proxies["S3"].delay = DELAY
            far = [_download(port, digest) for digest in digests[:FILES]]
            near = [_timed(port, "/api/v1/search?q=number") for _ in range(FILES)]
            proxies["S3"].resets, proxies["S3"].delay = 3, 0.0
            cut = [_download(port, digest) for digest in digests[FILES:]]
        measured["longest download"] = round(max(seconds for _, seconds in far), 3)
        measured["longest search meanwhile"] = round(max(near), 3)
        measured["downloads with resets"] = len(cut)
        measured["of these answered at once"] = sum(status == 200 for status, _ in cut)
        wrong = [f"HTTP {status} over the long way" for status, _ in far if status != 200]
        wrong += [f"HTTP {status} with resets" for status, _ in cut if status not in {200, 503}]
        wrong += ["downloads take over twice the delay"] if measured["longest download"] > 2 * DELAY else []
        wrong += ["searches wait for the store"] if measured["longest search meanwhile"] > DELAY else []
        registry.environment["SKILLREGISTRY_S3__ENDPOINT"] = str(registry.settings.s3.endpoint)
        return Done(
            "bytes and times of downloads through the API, searches meanwhile", measured, wrong + fsck(registry)
        )


@contextmanager
def _behind_proxies(settings: Settings) -> Iterator[tuple[Settings, dict[str, Proxy]]]:
    """Put a proxy in front of PostgreSQL, S3 and GitHub."""
    assert settings.database.url is not None
    assert settings.s3.endpoint is not None
    addresses = {
        "PostgreSQL": settings.database.url.get_secret_value(),
        "S3": settings.s3.endpoint,
        "GitHub": settings.github.api_url,
    }
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(Proxy(urlsplit(url).port or 0)) for name, url in addresses.items()}
        other = {name: _with_port(url, proxies[name].port) for name, url in addresses.items()}
        parts = {
            "database": settings.database.model_copy(update={"url": SecretStr(other["PostgreSQL"])}),
            "s3": settings.s3.model_copy(update={"endpoint": other["S3"]}),
            "github": settings.github.model_copy(update={"api_url": other["GitHub"], "git_url": other["GitHub"]}),
        }
        yield settings.model_copy(update=parts), proxies


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{port}"))


def _push(stage: Stage, text: str) -> None:
    stage.github.push(REPOSITORY, {"a/SKILL.md": SKILL.format(name="a", text=text)})


def _crawl(settings: Settings) -> None:
    """Crawl and publish with a worker of this process."""
    request = crawls.request(settings, [parse_source(REPOSITORY)])
    asyncio.run(crawls.run(settings, request, f"crawl/{settings.s3.bucket}", wait=True))


def _problems(registry: Registry, wanted: str) -> list[str]:
    """Look whether the last push is in the index once and live, and whether everything agrees."""
    found = registry.rows("SELECT count(*) FROM version WHERE description = %s", wanted)[0][0]
    problems = [] if found == 1 else [f"{found} versions of one push"]
    settings, objects = registry.settings, registry.objects
    live = settings.state_directory / "site" / "live"
    if wanted not in (live / "s" / REPOSITORY / "a.html").read_text():
        problems.append("it is not live")
    snapshots = SnapshotStore(settings.state_directory / "snapshots", objects)
    with Database(settings.database) as database:
        report = Fsck(database, objects, snapshots, open_publishers(settings, objects), live).run()
    return problems + [f"{check.name}: {one}" for check in report for one in check.problems]


def _download(port: int, digest: str) -> tuple[int, float]:
    """Download a package; gives status (0 where its bytes are not what they should be) and seconds."""
    begun = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/packages/{digest}", timeout=30) as answer:
            data = answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, time.monotonic() - begun
    whole = f"sha256:{hashlib.sha256(data).hexdigest()}" == digest
    return 200 if whole else 0, time.monotonic() - begun


def _timed(port: int, path: str) -> float:
    begun = time.monotonic()
    _status(port, path)
    return time.monotonic() - begun


DRILLS = (
    Drill("every call broken", "each call to PostgreSQL, S3 and GitHub, lost before or after it was heard", every_call),
    Drill("long way", "an object store far away, whose connections break", long_way),
)
