"""How well a search finds what people mean: queries, what answers them, and figures of a ranking.

No judgement comes from a ranking. There are four kinds of queries:

    known    somebody remembers what one skill does, not its name: `known.tsv` has the query, in words that are not
             the skill's own where that can be, and the skill. The skill is a full answer (3); one of the same name
             elsewhere is a good one (2).
    topic    somebody looks for anything on a topic: `topics.tsv` has the query and a pattern. A skill whose name
             matches it is a good answer (2), one whose description does a fair one (1).
    name     the name of a skill in another writing: with spaces, in one word, with capitals inside.
    typo     two words of a skill's name, one of them with a letter left out, doubled or swapped with the next.

Names for the last two are drawn by hash, only such as two skills at most have. The named skill is a full answer (3).
"""

from tests.relevance.corpus import corpus_skills
from tests.relevance.judgements import Judged, judge_all
from tests.relevance.scores import Score, score

__all__ = ["Judged", "Score", "corpus_skills", "judge_all", "score"]
