"""Groups of commands of which one need not be named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


def by_default(command: str) -> type[TyperGroup]:
    """Make a kind of group whose `command` runs where the first word is none of its commands: `crawl OWNER/NAME`."""

    class ByDefault(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
                args = [command, *args]
            return super().parse_args(ctx, args)

    return ByDefault
