"""What decides the order of the hits, for every search there is.

The API's index and the one that browsers read are both made from these figures; what a browser needs of them
travels in its index. They were chosen on `bench/search.py`.
"""

from __future__ import annotations

import math

from skilldata.models import Level

# A word found in a field counts this much more than one in the body.
WEIGHTS: dict[str, float] = {"name": 10, "tags": 6, "description": 6, "place": 3, "headings": 2, "body": 1}
GRAM_WEIGHTS: dict[str, float] = {"title_grams": 6, "body_grams": 1}
# Added where the word stands as written in name, tags or description: `accessibility` is not `access`.
WRITTEN_WEIGHT = 12.0
OTHER_FIELDS = 0.3  # of the score of the fields that match besides the best one

EXACT_SCORE = 10_000.0  # above what any words can score: a name asked for by name comes first
ADDRESS_SCORE = 100_000.0

# What a word scores through another one.
SYNONYM, CORRECTION, PREFIX, FUZZY = 0.7, 0.5, 0.5, 0.2

MAX_SLOTS = 12  # words of a query that count
FEW = 3  # hits below which a looser query is tried
RARE = 10  # a last word in fewer skills may be unfinished
UNHEARD_OF = 3  # a word in fewer skills may be a typo
SHORTEST_TYPO = 4
TWO_TYPOS = 8  # letters from which two typos are forgiven

STOP_WORDS = frozenset(
    {"a", "about", "after", "an", "and", "any", "are", "as", "at", "be", "before", "but", "by", "can", "do", "does"}
    | {"each", "for", "from", "has", "have", "how", "i", "in", "into", "is", "it", "its", "me", "my", "of", "on", "or"}
    | {"other", "our", "out", "should", "skill", "skills", "some", "than", "that", "the", "their", "them", "then"}
    | {"there", "they", "this", "to", "too", "up", "us", "use", "using", "want", "we", "what", "when", "where", "which"}
    | {"while", "who", "will", "with", "without", "would", "you", "your"}
)
SYNONYM_SETS = (
    ("k8s", "kubernetes"),
    ("js", "javascript"),
    ("ts", "typescript"),
    ("py", "python"),
    ("db", "database"),
    ("go", "golang"),
    ("postgres", "postgresql"),
    ("docs", "documentation"),
    ("repo", "repository"),
    ("auth", "authentication"),
    ("config", "configuration"),
    ("spreadsheet", "excel", "xlsx"),
    ("slides", "presentation", "powerpoint", "pptx"),
    ("word", "docx"),
    ("tests", "testing"),
    ("image", "picture"),
    ("a11y", "accessibility"),
    ("i18n", "internationalization"),
    ("l10n", "localization"),
    ("color", "colour"),
    ("optimize", "optimise"),
    ("visualization", "visualisation"),
    ("summarize", "summarise"),
    ("analyze", "analyse"),
    ("pentest", "penetration"),
    ("website", "site"),
)
SYNONYMS = {word: [other for other in group if other != word] for group in SYNONYM_SETS for word in group}

# Popularity and quality weigh little: a skill with 100,000 stars scores 1.4 times one without any.
_STARS_WEIGHT = 0.08  # per power of ten
_STRICT_WEIGHT = 0.02


def prior(stars: int, level: str) -> float:
    """Give what the score of a skill is multiplied with."""
    factor = 1 + _STARS_WEIGHT * math.log10(1 + max(0, stars))
    return factor + _STRICT_WEIGHT if level == Level.STRICT else factor


def needed(words: int) -> int:
    """Give how many of the words of a query a skill should have: all of up to three, then three of four."""
    return math.ceil(words * 0.75)
