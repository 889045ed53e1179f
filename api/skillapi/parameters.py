"""Reading the parameters of a request into a model, with errors that help."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from skillapi.problems import Problem

MAX_QUERY_BYTES = 4096


class Parameters(BaseModel):
    """Base of the parameters of an address: those in its path and those in its query."""

    model_config = ConfigDict(frozen=True, extra="forbid")


ParametersType = TypeVar("ParametersType", bound=Parameters)


def read_parameters(
    model: type[ParametersType], path: Mapping[str, str], query: Iterable[tuple[str, str]]
) -> ParametersType:
    """Read and check parameters.

    Args:
        model: What the address takes.
        path: The parameters in the path.
        query: Name and value of those in the query, in order.

    Raises:
        Problem: One is unknown, given twice or not valid; the remedy says what would be.
    """
    allowed = [name for name in model.model_fields if name not in path]
    values: dict[str, str] = {}
    for name, value in query:
        if name not in allowed:
            raise Problem(
                "unknown-parameter", f"There is no parameter {_shown(name)} here.", remedy=_near(name, allowed)
            )
        if name in values:
            raise Problem("invalid-parameter", f"{name} is given twice.", remedy="Give it once.")
        values[name] = value
    try:
        return model.model_validate({**values, **path})
    except ValidationError as error:
        raise _explain(error, path) from None


def _explain(error: ValidationError, path: Mapping[str, str]) -> Problem:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "the parameters"
    if name in path:
        return Problem("not-found", f"Nothing can have the {name} {_shown(path[name])}.")
    if first["type"] == "missing":
        return Problem("invalid-parameter", f"{name} is missing.", remedy=f"Add ?{name}=… to the address.")
    # pydantic's own sentence says what would be right: "Input should be …".
    return Problem(
        "invalid-parameter", f"{name} = {_shown(first['input'])} is not valid.", remedy=f"{_sentence(first['msg'])}."
    )


def _near(name: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(name[:80], allowed, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]}?"
    return f"It takes {', '.join(allowed)}." if allowed else "It takes none."


def _shown(value: object) -> str:
    text = str(value)
    return ascii(text if len(text) <= 80 else text[:80] + "…")


def _sentence(message: str) -> str:
    said = message.removeprefix("Value error, ").rstrip(".").replace("Input should", "it should")
    return said[:1].upper() + said[1:]
