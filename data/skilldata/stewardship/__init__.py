"""What maintainers decide: hiding, removing and blocking, for whatever reason, with a name to it.

    models       actions, rulings, the entries of the policy
    policy       the policy file
    rulings      rulings in the index: made, lifted, shown
    enforcement  makes the index say what the policy says
    withheld     the packages that are not served any more, in the object store

What the crawler saw and what was decided are kept apart: a ruling is joined when the index is exported, so
that no crawl can undo it.
"""

from skilldata.stewardship.enforcement import PolicyChanges, apply_policy
from skilldata.stewardship.models import Action, Policy, Ruling, Standing, StewardshipError, Target
from skilldata.stewardship.policy import load_policy
from skilldata.stewardship.rulings import Rulings
from skilldata.stewardship.withheld import withhold

__all__ = [
    "Action",
    "Policy",
    "PolicyChanges",
    "Ruling",
    "Rulings",
    "Standing",
    "StewardshipError",
    "Target",
    "apply_policy",
    "load_policy",
    "withhold",
]
