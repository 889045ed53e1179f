"""SPDX licence expressions: read, written the one way, and weighed against a policy.

Syntax: SPDX specification 3.0, annex B, https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from license_expression import (  # type: ignore[import-untyped]
    AND,
    OR,
    ExpressionError,
    LicenseSymbol,
    LicenseWithExceptionSymbol,
    Licensing,
    get_spdx_licensing,
)

MAX_LENGTH = 200  # characters; the parser's depth follows from it

# Besides its own errors, the parser fails in these ways on text such as `()`.
_REFUSALS = (ExpressionError, IndexError, AssertionError)
_REFERENCES = ("LicenseRef-", "DocumentRef-")


@dataclass(frozen=True, slots=True)
class Expression:
    """One licence, or several joined by AND and OR."""

    spdx: str
    """The expression as SPDX writes it, with ids that are not deprecated."""

    licences: frozenset[str]
    """Its licences, without exceptions and whether only this version or also later ones: `GPL-3.0`, `MIT`."""

    _tree: Any

    def allowed(self, policy: Collection[str]) -> bool:
        """Whether a policy allows it: all of AND, any of OR, and an exception takes nothing away.

        Args:
            policy: Ids of licences, from `read_policy`.
        """
        return _allowed(self._tree, policy)

    def covers(self, other: Expression) -> bool:
        """Whether every licence of the other expression is one of this one's."""
        return other.licences <= self.licences


@lru_cache(maxsize=1024)
def read_expression(text: str) -> Expression | None:
    """Read an SPDX id or expression, in any case of its letters; None where it is not one.

    Deprecated ids become what SPDX put in their place: `GPL-3.0` is `GPL-3.0-only`. References such as
    `LicenseRef-Acme` are taken; a policy can name them.
    """
    if len(text) > MAX_LENGTH or not text.isascii():
        return None
    try:
        tree: Any = _spdx().parse(text, strict=True)
    except _REFUSALS:
        return None
    if tree is None:
        return None
    symbols: list[Any] = list(_spdx().license_symbols(tree, decompose=False))
    if any(map(_is_unknown, symbols)):
        return None
    return Expression(tree.render("{symbol.key}"), frozenset(_family(_licence(symbol)) for symbol in symbols), tree)


def all_of(expressions: Iterable[Expression]) -> Expression | None:
    """Join expressions by AND; None where there are none, or they are too long together."""
    texts = sorted({one.spdx for one in expressions})
    joined = texts[0] if len(texts) == 1 else " AND ".join(f"({text})" if " " in text else text for text in texts)
    return read_expression(joined)


@lru_cache(maxsize=16)
def read_policy(redistributable: tuple[str, ...]) -> frozenset[str]:
    """Write the ids of a policy the way that expressions have them."""
    read = ((text, read_expression(text)) for text in redistributable)
    return frozenset(text if expression is None else expression.spdx for text, expression in read)


@cache
def _spdx() -> Licensing:
    licensing = get_spdx_licensing()
    licensing.parse("MIT")  # builds its tables, which no other thread may see half-built
    return licensing


def _allowed(tree: Any, policy: Collection[str]) -> bool:
    if isinstance(tree, OR):
        return any(_allowed(part, policy) for part in tree.args)
    if isinstance(tree, AND):
        return all(_allowed(part, policy) for part in tree.args)
    return tree.render("{symbol.key}") in policy or _licence(tree) in policy


def _is_unknown(symbol: LicenseSymbol | LicenseWithExceptionSymbol) -> bool:
    if isinstance(symbol, LicenseWithExceptionSymbol):
        return _is_unknown(symbol.license_symbol) or not symbol.exception_symbol.is_exception
    return bool(symbol.is_exception) or (
        symbol.key not in _spdx().known_symbols and not symbol.key.startswith(_REFERENCES)
    )


def _licence(symbol: LicenseSymbol | LicenseWithExceptionSymbol) -> str:
    plain = symbol.license_symbol if isinstance(symbol, LicenseWithExceptionSymbol) else symbol
    return str(plain.key)


def _family(key: str) -> str:
    return key.removesuffix("-only").removesuffix("-or-later")
