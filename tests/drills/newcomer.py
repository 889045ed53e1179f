"""A newcomer's way through the documentation: own skills listed, ready for the network, and back again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.conftest import ROOT, Registry
from tests.drills.drill import Done, Drill, Stage, fsck, registry_of, timed
from tests.drills.serving import SKILL, _command
from tests.test_end_to_end import run

REPOSITORY = "newcomer/tools"
# What services on one machine, without names and certificates, cannot mend.
LEFT = {"TLS to PostgreSQL", "TLS to the object store", "public address", "versioning in production"}


def newcomer(stage: Stage) -> Done:
    """Do what quick start and operations say, and nothing else."""
    measured: dict[str, float] = {}
    with registry_of(stage) as registry, registry_of(stage) as other:
        stage.github.add_repository(REPOSITORY, {"a/SKILL.md": SKILL.format(name="a", text="First.")})
        with timed(measured, "seconds to own repository listed"):
            run(registry, "crawl", "--wait", REPOSITORY)
        page = registry.settings.state_directory / "site" / "live" / "s" / REPOSITORY / "a.html"
        wrong = [] if "First." in page.read_text() else ["the repository is not on the site"]
        with timed(measured, "seconds for the checklist"):
            wrong += _checklist(registry, stage.scratch / "deploy")
        stage.github.push(REPOSITORY, {"a/SKILL.md": SKILL.format(name="a", text="A mistake.")})
        run(registry, "crawl", "--wait", REPOSITORY)
        wrong += [] if "A mistake." in page.read_text() else ["the change is not on the site"]
        with timed(measured, "seconds to roll back"):
            run(registry, "snapshot", "rollback")
        wrong += [] if "First." in page.read_text() else ["the snapshot before is not on the site"]
        run(registry, "backup", "create")
        assert other.settings.database.url is not None
        registry.environment["SKILLREGISTRY_DATABASE__URL"] = other.settings.database.url.get_secret_value()
        with timed(measured, "seconds to restore"):
            run(registry, "restore")
            run(registry, "publish", "--force")
        return Done("site after each step, what doctor --production still says, fsck", measured, wrong + fsck(registry))


def _checklist(registry: Registry, folder: Path) -> list[str]:
    """Make secrets and keys, and do what `doctor --production` says; gives what it goes on to say without need."""
    folder.mkdir()
    shutil.copy(ROOT / "deploy" / "make-secrets", folder)
    subprocess.run(["sh", folder / "make-secrets"], check=True)
    secret = folder / "secrets" / "webhook_secret"
    registry.environment["SKILLREGISTRY_ON_DEMAND__WEBHOOK_SECRET_FILE"] = str(secret)
    registry.environment["SKILLREGISTRY_BACKUP__FOLDER"] = str(folder / "backups")
    keys = folder / "keys"
    run(registry, "trust", "init", "--keys", str(keys))
    registry.environment["SKILLREGISTRY_TRUST__ONLINE_KEY_FILE"] = str(keys / "online.pem")
    run(registry, "publish", "--force")
    run(registry, "backup", "create")
    done = _command(registry.environment, "doctor", "--production", "--json")
    said = {one["what"]: one for one in json.loads(done.stdout)["data"] if one["state"] == "fail"}
    wrong = [f"{what}: {one['result']}" for what, one in said.items() if what not in LEFT]
    return wrong + [f"{what} is said without a remedy" for what, one in said.items() if not one["remedy"]]


DRILLS = (Drill("newcomer", "somebody who only has the documentation", newcomer),)
