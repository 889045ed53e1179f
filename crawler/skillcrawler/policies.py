"""How long activities may take and how often they are tried: the one place for Temporal's numbers."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig

# GitHub says when to come back (next_retry_delay); this is for the failures that carry no such word. A limit of
# GitHub's uses up no attempts: what must end after some failures counts `ATTEMPTS` itself, the rest has its deadline.
GITHUB_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)
)
ATTEMPTS = 8
# Besides, a worker may die of a repository and never come to count; limits seldom come as often as this.
FETCH_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=5),
    maximum_attempts=20,
)
# A repository that fails even when it is asked for alone holds its page up this often, and is then left out of it.
PATIENT_ATTEMPTS = 5
SERVICE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)
)
# A limit of GitHub's lasts an hour; with room for a second one.
GITHUB_DEADLINE = timedelta(hours=3)
SERVICE_DEADLINE = timedelta(hours=1)
SHORT = timedelta(minutes=2)
LONG = timedelta(hours=2)
# A worker that was killed is noticed after this; one that works says so three times as often.
HEARTBEAT = timedelta(seconds=30)

# A step that asks the registry's own services, one that asks GitHub a little, and a long one that says it is alive.
SERVICE_STEP = ActivityConfig(
    start_to_close_timeout=SHORT, schedule_to_close_timeout=SERVICE_DEADLINE, retry_policy=SERVICE_RETRY
)
GITHUB_STEP = ActivityConfig(
    start_to_close_timeout=SHORT, schedule_to_close_timeout=GITHUB_DEADLINE, retry_policy=GITHUB_RETRY
)
LONG_STEP = ActivityConfig(
    start_to_close_timeout=LONG,
    schedule_to_close_timeout=LONG,
    heartbeat_timeout=HEARTBEAT,
    retry_policy=SERVICE_RETRY,
)

# Fixed workflow ids: a second start of the same thing joins or waits, it never doubles.
CRAWL_ID = "crawl"
PUBLISH_ID = "publish"


def crawl_repository_id(repository_id: int) -> str:
    """Workflow id of the crawl of one repository."""
    return f"crawl/repository/{repository_id}"
