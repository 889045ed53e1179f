"""What surrounds every activity: the domain's errors become Temporal's, and a heartbeat says that it is at work."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from skillcrawler import policies
from skillcrawler.errors import CrawlError, RateLimited
from skilldata.errors import Busy, RegistryError, ServiceUnavailable

ERROR_TEXT = 2000


@contextmanager
def translated(attempts: int | None = None) -> Iterator[None]:
    """Turn the domain's errors into Temporal's, so that waits are Temporal's too.

    With `attempts`, a failure of GitHub's is final from that attempt on; its limits, and services of ours that are
    away for a time, never are.
    """
    try:
        yield
    except RateLimited as error:
        raise ApplicationError(
            error.message, type=error.code, next_retry_delay=timedelta(seconds=error.retry_after)
        ) from None
    except RegistryError as error:
        has_more = attempts is None or activity.info().attempt < attempts
        passing = isinstance(error, CrawlError) and error.retryable and has_more
        retryable = isinstance(error, (Busy, ServiceUnavailable)) or passing
        raise ApplicationError(str(error)[:ERROR_TEXT], type=error.code, non_retryable=not retryable) from None
    except Exception as error:  # a fault of ours, which must not hold up a page either
        if attempts is not None and activity.info().attempt >= attempts:
            raise ApplicationError(str(error)[:ERROR_TEXT], type=type(error).__name__, non_retryable=True) from error
        raise


@contextmanager
def alive() -> Iterator[None]:
    """Heartbeat for as long as the block lasts: git, S3 and a build are each silent for minutes.

    Every one of them has an end of its own (timeouts, bounds), so this cannot keep up a hung activity.
    """
    stop = threading.Event()
    context = contextvars.copy_context()

    def beat() -> None:
        while not stop.wait(policies.HEARTBEAT.total_seconds() / 3):
            context.run(activity.heartbeat)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
