"""`skillregistry skill`: how skills stand, and what maintainers decide about them.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skillcli import context
from skilldata.errors import ConfigurationError, ServiceUnavailable

if TYPE_CHECKING:
    from skilldata.opinions import Opinion
    from skilldata.stewardship import Action, Rulings, Standing, Target

MAX_REASON = 500

skills = typer.Typer(help="Show a skill, and hide, remove, block or restore it.", no_args_is_help=True)

Skill = Annotated[str, typer.Argument(help="owner/name/slug.")]
Anything = Annotated[str, typer.Argument(help="owner/name/slug, owner/name, owner, or a sha256: digest.")]
Reason = Annotated[str, typer.Option(help="Why; shown to everyone who asks for the skill.")]
Actor = Annotated[str | None, typer.Option(help="Who decides (default: $GITHUB_ACTOR, else this user).")]
Legal = Annotated[bool, typer.Option("--legal", help="A law demands it: the API answers 451 instead of 410.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, and change nothing.")]
Publish = Annotated[bool, typer.Option("--publish", help="Publish at once, so that it takes effect.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(skills, name="skill")


@skills.command("show")
def show(skill: Skill, as_json: Json = False) -> None:
    """Show how a skill stands, the rulings that concern it, and its history."""
    with _rulings() as rulings:
        found = rulings.standing(rulings.find(skill))
    context.show(found.model_dump(mode="json"), as_json=as_json, text=_described(found))


@skills.command("rulings")
def list_rulings(as_json: Json = False) -> None:
    """List every ruling that is in force."""
    with _rulings() as rulings:
        found = rulings.rulings()
    rows = [(one.named, one.action, one.origin, one.actor, f"{one.at:%Y-%m-%d}", one.reason) for one in found]
    headings = ("WHAT", "RULING", "BY", "ACTOR", "SINCE", "REASON")
    text = context.table(rows, headings) if rows else "no rulings"
    context.show([one.model_dump(mode="json") for one in found], as_json=as_json, text=text)


@skills.command("yank")
def yank(
    skill: Skill,
    reason: Reason,
    actor: Actor = None,
    dry_run: DryRun = False,
    publish: Publish = False,
    as_json: Json = False,
) -> None:
    """Hide a skill from lists and search; whoever uses it still gets it."""
    from skilldata.stewardship import Action

    _decide(skill, Action.YANKED, reason, actor, dry_run=dry_run, publish=publish, as_json=as_json)


@skills.command("quarantine")
def quarantine(
    skill: Skill,
    reason: Reason,
    actor: Actor = None,
    dry_run: DryRun = False,
    publish: Publish = False,
    as_json: Json = False,
) -> None:
    """Hide a skill and stop serving it, until it is looked into."""
    from skilldata.stewardship import Action

    _decide(skill, Action.QUARANTINED, reason, actor, dry_run=dry_run, publish=publish, as_json=as_json)


@skills.command("remove")
def remove(
    skill: Skill,
    reason: Reason,
    actor: Actor = None,
    legal: Legal = False,
    dry_run: DryRun = False,
    publish: Publish = False,
    as_json: Json = False,
) -> None:
    """Leave a tombstone of a skill; its packages are deleted when that is published."""
    from skilldata.stewardship import Action

    _decide(skill, Action.REMOVED, reason, actor, legal=legal, dry_run=dry_run, publish=publish, as_json=as_json)


@skills.command("block")
def block(
    target: Anything,
    reason: Reason,
    actor: Actor = None,
    legal: Legal = False,
    dry_run: DryRun = False,
    publish: Publish = False,
    as_json: Json = False,
) -> None:
    """Block a content under any name, a repository or an owner, now and at every later crawl.

    Of a skill, the content of all its versions is blocked.
    """
    from skilldata.stewardship import Action

    _decide(target, Action.BLOCKED, reason, actor, legal=legal, dry_run=dry_run, publish=publish, as_json=as_json)


@skills.command("restore")
def restore(
    target: Anything,
    reason: Reason,
    actor: Actor = None,
    dry_run: DryRun = False,
    publish: Publish = False,
    as_json: Json = False,
) -> None:
    """Take back what was decided about a skill, digest, repository or owner."""
    who, why = _actor(actor), _checked(reason)
    with _rulings() as rulings:
        lifted = rulings.lift(rulings.find(target), reason=why, actor=who, dry_run=dry_run)
    text = f"{'would be' if dry_run else 'is'} no longer {lifted.action}: {target}"
    if lifted.repositories:
        text += f"\n{lifted.repositories} repositories are read again for the packages that were deleted: run a crawl"
    _finish(
        {"target": target, "was": lifted.action, "repositories": lifted.repositories, "dry_run": dry_run},
        text,
        publish=publish and not dry_run,
        as_json=as_json,
    )


def _decide(
    named: str,
    action: Action,
    reason: str,
    actor: str | None,
    *,
    legal: bool = False,
    dry_run: bool,
    publish: bool,
    as_json: bool,
) -> None:
    from skilldata.stewardship import Action

    who, why = _actor(actor), _checked(reason)
    with _rulings() as rulings:
        target = rulings.find(named)
        is_content = action is Action.BLOCKED and target.skill_id is not None
        targets: Sequence[Target] = rulings.contents(target) if is_content else [target]
        changed = [
            one.named
            for one in targets
            if rulings.make(one, action, reason=why, actor=who, legal=legal, dry_run=dry_run)
        ]
        if changed and not dry_run and not publish and action is not Action.YANKED:
            _withdraw()
    verb = "would be" if dry_run else "is"
    text = "\n".join(f"{one} {verb} {action}" for one in changed) or f"{named} is {action} already"
    if changed and not dry_run and not publish:
        taken = "" if action is Action.YANKED else "its packages are taken away; "
        text += f"\n{taken}pages and lists follow with the next `skillregistry publish`"
    _finish(
        {"target": named, "action": action, "changed": changed, "dry_run": dry_run},
        text,
        publish=publish and not dry_run,
        as_json=as_json,
    )


def _withdraw() -> None:
    """Take packages away now, and not only when the index is published next."""
    from skilldata.database import Database
    from skilldata.objects import ObjectStore
    from skilldata.publish.withdraw import withdraw

    settings = context.settings()
    try:
        with Database(settings.database) as database:
            _, problem = withdraw(database, ObjectStore(settings.s3), settings.publish)
    except (ConfigurationError, ServiceUnavailable) as error:  # the ruling stands all the same
        problem = f"packages stay until the index is published: {error.message}"
    if problem:
        typer.echo(f"warning: {problem}", err=True)


def _finish(data: dict[str, Any], text: str, *, publish: bool, as_json: bool) -> None:
    if publish:
        from skillcli import crawls
        from skillcrawler.messages import PublishInput
        from skilldata.publish.guard import SnapshotHeld

        done = asyncio.run(crawls.publish(context.settings(), PublishInput()))
        data = {**data, "published": None if done.held else done.snapshot, "held": done.held}
        text += f"\n{done.snapshot} is {'held back' if done.held else 'live'}"
        context.show(data, as_json=as_json, text=text)
        if done.held:
            raise SnapshotHeld(done.snapshot, [done.held])
        return
    context.show(data, as_json=as_json, text=text)


@contextmanager
def _rulings() -> Iterator[Rulings]:
    from skilldata.database import Database
    from skilldata.stewardship import Rulings

    with Database(context.settings().database) as database:
        yield Rulings(database)


def _actor(given: str | None) -> str:
    named = given or os.environ.get("GITHUB_ACTOR") or _user()
    if not named.strip():
        raise ConfigurationError("nobody is named as deciding this", remedy="Say who does: --actor NAME.")
    return named.strip()[:100]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return ""


def _checked(reason: str) -> str:
    stripped = " ".join(reason.split())
    if not 3 <= len(stripped) <= MAX_REASON:
        raise ConfigurationError(
            f"a reason has 3 to {MAX_REASON} characters, this one {len(stripped)}",
            remedy="Write one or two sentences that its author can understand.",
        )
    return stripped


def _described(found: Standing) -> str:
    lines = [
        f"skill     {found.address} (folder {found.path or '/'} of repository {found.repository_id})",
        f"state     {found.state}{f': {found.reason}' if found.reason else ''}",
        f"upstream  {found.upstream}",
        f"version   {found.label or 'none'}",
        f"content   {found.content_digest or 'none'}",
        f"package   {found.package_digest or 'none'}",
        *_second_opinion(found.second_opinion),
    ]
    lines += [
        f"ruling    {one.action} {one.named} by {one.actor} ({one.origin}): {one.reason}" for one in found.rulings
    ]
    lines += [f"event     {one.at:%Y-%m-%d %H:%M} {one.kind} by {one.actor}" for one in found.events]
    return "\n".join(lines)


def _second_opinion(said: Opinion | None) -> Iterator[str]:
    if said is None:
        return
    judged = said.problem or (said.highest.lower() if said.highest else "nothing found")
    yield f"opinion   {said.scanner} {said.version}, advisory: {judged}"
    for one in said.findings:
        yield f"          {one.severity.lower()} {one.rule} {one.file}{f':{one.line}' if one.line else ''}: {one.text}"
    if said.more:
        yield f"          and {said.more} more"
