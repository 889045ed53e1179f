"""Logs: one JSON object a line for machines, or lines for people; no secret gets through either."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

from pydantic import BaseModel, SecretStr

from skilldata.config import Settings
from skilldata.names import safe_text

HIDDEN = "(hidden)"
SHORTEST = 6  # characters; shorter secrets would hide ordinary words
# What GitHub's credentials look like, keys in PEM, and passwords in addresses, whoever put them into a message.
_LOOKS = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)|(?i:(?<=bearer )|(?<=token ))[A-Za-z0-9._~+/=-]{16,}"
)
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def set_up(settings: Settings | None, *, debug: bool, stream: TextIO | None = None) -> None:
    """Send all logs to standard error: as JSON where that is no terminal, unless `log_format` says otherwise.

    Args:
        settings: The configuration, whose secrets are hidden; None where it cannot be read.
        debug: Whether everything is logged.
        stream: Where to, for tests.
    """
    out = stream or sys.stderr
    wanted = settings.log_format if settings else "auto"
    as_json = wanted == "json" or (wanted == "auto" and not out.isatty())
    handler = logging.StreamHandler(out)
    secrets = list(_secrets(settings)) if settings else []
    handler.setFormatter(JsonLines(secrets) if as_json else Lines(secrets))
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler], force=True)
    logging.getLogger("skillapi.access").disabled = not (debug or (settings is not None and settings.api.access_log))
    if not debug:
        for noisy in ("botocore", "boto3", "urllib3", "s3transfer", "alembic", "asyncio", "tuf", "github"):
            logging.getLogger(noisy).setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and whatever the call adds.

    Args:
        secrets: Texts that must not appear.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._hide = _hider(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(_hidden(line, self._hide), default=str)


class Lines(logging.Formatter):
    """Lines for people.

    Args:
        secrets: Texts that must not appear.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._hide = _hider(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Write one record; what a terminal would act on is shown instead."""
        return "\n".join(safe_text(line) for line in self._hide(super().format(record)).split("\n"))


def _secrets(model: BaseModel) -> Iterable[str]:
    """Yield every secret of the configuration."""
    for name in type(model).model_fields:
        yield from _secrets_of(getattr(model, name))


def _secrets_of(value: object) -> Iterable[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from _secrets(value)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _secrets_of(part)


def _hider(secrets: Iterable[str]) -> Any:
    known = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, known), _LOOKS.pattern]))
    return lambda text: pattern.sub(HIDDEN, text)


def _hidden(value: Any, hide: Any) -> Any:
    """Hide secrets in texts at any depth; what is no plain value becomes its text first."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {hide(str(key)): _hidden(inner, hide) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(inner, hide) for inner in value]
    return value if value is None or isinstance(value, (bool, int, float)) else hide(str(value))
