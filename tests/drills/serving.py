"""Faults while somebody reads: what is published stays readable, and a publisher that dies harms nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import libfaketime

from skilldata.objects import package_key
from tests.drills.drill import Done, Drill, Stage, fsck, kill, process, published, registry_of, timed
from tests.faultruns import COMMAND
from tests.ports import free_port
from tests.standin import StandIn
from tests.test_end_to_end import run
from tests.waiting import wait_until

SKILL = "---\nname: {name}\ndescription: {text}\nlicense: MIT\n---\nBody.\n"
BACK_SECONDS = 5.0
TAKEDOWN_SECONDS = 60.0
FAKETIME = next(Path(libfaketime.__file__).parent.rglob("libfaketime.so.1"), Path("libfaketime.so.1"))


def kill_api(stage: Stage) -> Done:
    """Kill the API while it is asked, and start it again."""
    measured: dict[str, float] = {}
    with registry_of(stage) as registry:
        names = _skills(stage.github, "drill/api")
        published(registry, *names)
        [digest] = registry.rows("SELECT package_digest FROM package LIMIT 1")[0]
        port = free_port()
        wrong = []
        with process(registry, "serve", "--port", str(port)) as first:
            wait_until(lambda: _status(port, "/readyz") == 200, 60)
            stop, seen = threading.Event(), {"answered": 0, "static failed": 0}

            def ask() -> None:
                while not stop.is_set():
                    seen["answered"] += _status(port, "/api/v1/search?q=body") == 200
                    # What a CDN reads is in the bucket, with or without the API.
                    seen["static failed"] += registry.objects.size(package_key(digest)) is None

            reader = threading.Thread(target=ask)
            reader.start()
            wait_until(lambda: seen["answered"] > 20, 30)
            kill(first)
            with timed(measured, "seconds until it was back"), process(registry, "serve", "--port", str(port)):
                wait_until(lambda: _status(port, "/readyz") == 200, 60)
                before = seen["answered"]
                wait_until(lambda: seen["answered"] > before + 20, 30)
            stop.set()
            reader.join()
        measured |= seen
        if seen["static failed"]:
            wrong.append(f"{seen['static failed']} static downloads failed")
        return Done("downloads from the bucket, time until ready and answering again", measured, wrong + fsck(registry))


def other_clock(stage: Stage) -> Done:
    """Look at signed metadata with clocks that are two days off."""
    with registry_of(stage) as registry:
        keys = registry.settings.state_directory / "keys"
        run(registry, "trust", "init", "--keys", str(keys), "--bins", "4")
        registry.environment["SKILLREGISTRY_TRUST__ONLINE_KEY_FILE"] = str(keys / "online.pem")
        published(registry, *_skills(stage.github, "drill/clock"))
        port, root = free_port(), registry.settings.state_directory / "tuf" / "1.root.json"
        with process(registry, "serve", "--port", str(port)):
            wait_until(lambda: _status(port, "/readyz") == 200, 60)
            now = _refresh(port, root, stage.scratch / "today")
            late = _refresh(port, root, stage.scratch / "later", LD_PRELOAD=str(FAKETIME), FAKETIME="+2d")
        wrong = [] if now.returncode == 0 else [f"what was just signed is refused: {now.stderr[-300:]}"]
        if late.returncode == 0 or "ExpiredMetadataError" not in late.stderr:
            wrong.append(f"a timestamp that expired yesterday is believed: {late.stderr[-300:]}")
        measured: dict[str, float] = {"status today": now.returncode, "two days later": late.returncode}
        return Done("what a client of The Update Framework says", measured, wrong + fsck(registry))


def full_disk(stage: Stage) -> Done:
    """Publish onto a disk of 4 MB."""
    with registry_of(stage) as registry:
        published(registry, *_skills(stage.github, "drill/disk"))
        site = registry.settings.state_directory / "site" / "live"
        before = sorted(path.name for path in site.iterdir())
        folder = registry.settings.state_directory / "snapshots"
        small = stage.scratch / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
        try:
            (small / "filler").write_bytes(b"x" * 3_900_000)
            kept = folder.rename(folder.with_name("kept"))
            folder.symlink_to(small)
            stage.github.push("drill/disk", {"new/SKILL.md": SKILL.format(name="new", text="New.")})
            run(registry, "crawl", "--wait", "--no-publish", "drill/disk")
            done = _command(registry.environment, "snapshot", "create")
            folder.unlink()
            kept.rename(folder)
        finally:
            subprocess.run(["umount", small], check=True)
        wrong = [] if done.returncode else ["a snapshot was made on a full disk"]
        wrong += ["no clean error"] if "Traceback" in done.stderr else []
        wrong += [] if sorted(path.name for path in site.iterdir()) == before else ["the site changed"]
        run(registry, "publish")
        return Done("the error, the site, and a publish with room", {"status": done.returncode}, wrong + fsck(registry))


def kill_publisher(stage: Stage) -> Done:
    """Kill publishing at times of its run while somebody reads the live page."""
    times = 5 if stage.quick else 40
    torn = reads = 0
    with registry_of(stage) as registry:
        published(registry, *_skills(stage.github, "drill/torn"))
        live = registry.settings.state_directory / "site" / "live"
        for number in range(times):
            text = f"Text {number}."
            stage.github.push("drill/torn", {"a/SKILL.md": SKILL.format(name="a", text=text)})
            run(registry, "crawl", "--wait", "--no-publish", "drill/torn")
            with process(registry, "publish") as publisher:
                end = time.monotonic() + 0.5 + 3.0 * number / times
                while time.monotonic() < end and publisher.poll() is None:
                    reads += 1
                    folder = live.resolve()
                    page = (folder / "s/drill/torn/a.html").read_text()
                    torn += "</html>" not in page
        run(registry, "publish")
        wrong = [f"{torn} of {reads} reads were torn"] if torn else []
        return Done("every read of a page is whole", {"kills": times, "reads": reads}, wrong + fsck(registry))


def roll_back(stage: Stage) -> Done:
    """Go back one snapshot, by the clock."""
    measured: dict[str, float] = {}
    with registry_of(stage) as registry:
        first = published(registry, *_skills(stage.github, "drill/back"))["published"]["snapshot"]
        stage.github.push("drill/back", {"a/SKILL.md": SKILL.format(name="a", text="Changed.")})
        published(registry, "drill/back")
        with timed(measured, "seconds"):
            back = run(registry, "snapshot", "rollback")["snapshot"]
        wrong = [] if back == first else [f"{back} is live, not {first}"]
        wrong += [] if measured["seconds"] <= BACK_SECONDS else ["it took too long"]
        return Done("the snapshot that is live, and the time", measured, wrong + fsck(registry))


def take_down(stage: Stage) -> Done:
    """Remove a skill, and see how long until nobody is given it."""
    measured: dict[str, float] = {}
    with registry_of(stage) as registry:
        # One of three is more than may go by itself; of a real registry's, one is not.
        registry.environment["SKILLREGISTRY_PUBLISH__MAX_SHRINK"] = "1"
        published(registry, *_skills(stage.github, "drill/gone"))
        port = free_port()
        with process(registry, "serve", "--port", str(port)):
            wait_until(lambda: _status(port, "/api/v1/skills/drill/gone/a") == 200, 60)
            with timed(measured, "seconds until API, site and bucket"):
                run(registry, "skill", "remove", "drill/gone/a", "--reason", "drill")
                run(registry, "publish")
                wait_until(lambda: _status(port, "/api/v1/skills/drill/gone/a") in {410, 451}, 60)
        wrong = [] if measured["seconds until API, site and bucket"] <= TAKEDOWN_SECONDS else ["it took too long"]
        return Done("410 from the API after publishing", measured, wrong + fsck(registry))


def _skills(github: StandIn, name: str) -> list[str]:
    """Make a repository; an earlier drill's is taken as it is."""
    if not any(one["full_name"] == name for one in github.repositories()):
        files = {f"{one}/SKILL.md": SKILL.format(name=one, text=f"The body of {one}.") for one in "abc"}
        github.add_repository(name, files)
    return [name]


def _command(variables: dict[str, str], *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment_ = {**os.environ, **variables, **more}
    return subprocess.run([COMMAND, *arguments], env=environment_, capture_output=True, text=True, check=False)


def _refresh(port: int, root: Path, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Have python-tuf's client refresh its metadata, in a process that may have another clock."""
    folder.mkdir(exist_ok=True)
    code = (
        "import sys; from tuf.ngclient import Updater; "
        "Updater(sys.argv[1], sys.argv[2], bootstrap=open(sys.argv[3], 'rb').read()).refresh()"
    )
    command = [sys.executable, "-c", code, str(folder), f"http://127.0.0.1:{port}/tuf/", str(root)]
    return subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=False)


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


DRILLS = (
    Drill("API killed", "SIGKILL to the API while it answers", kill_api),
    Drill("other clock", "a clock two days ahead", other_clock),
    Drill("full disk", "a disk of 4 MB that is nearly full", full_disk),
    Drill("publisher killed", "SIGKILL to publishing, at times spread over its run", kill_publisher),
    Drill("rollback", "a snapshot that nobody wants", roll_back, short=True),
    Drill("takedown", "a skill that must go", take_down),
)
