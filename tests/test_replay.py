"""Workflows keep their promise to runs in flight: recorded histories replay on today's code."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from skillcrawler.messages import Published, PublishInput
from skillcrawler.worker import WORKFLOWS, workflow_runner

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
LESSON = """
    The order of a workflow's commands changed, and runs that are in flight would get stuck on it. Keep the old
    order for them: `if workflow.patched("what-changed"): new else: old`; see Temporal's documentation on versioning.
"""


def history(path: Path) -> WorkflowHistory:
    content = json.loads(path.read_text(encoding="utf-8"))
    # Ids of children begin with it.
    workflow_id = content["events"][0]["workflowExecutionStartedEventAttributes"].get("workflowId", path.stem)
    return WorkflowHistory.from_json(workflow_id, content)


def test_every_workflow_has_a_history() -> None:
    recorded = {
        json.loads(path.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"]
        for path in HISTORIES
    }
    assert recorded == {one.__name__ for one in WORKFLOWS}, "run python -m tests.record_histories"


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_recorded_run_replays(path: Path) -> None:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=workflow_runner())
    try:
        asyncio.run(replayer.replay_workflow(history(path)))
    except NondeterminismError as error:
        pytest.fail(f"{error}\n{LESSON}")


@workflow.defn(name="PublishSnapshot")
class Changed:
    """What a careless change looks like: it waits before it works."""

    @workflow.run
    async def run(self, request: PublishInput) -> Published:
        await workflow.sleep(1)
        raise NotImplementedError(request)


def test_a_changed_order_is_noticed() -> None:
    path = next(path for path in HISTORIES if path.stem == "crawl-publish")
    replayer = Replayer(
        workflows=[Changed], data_converter=pydantic_data_converter, workflow_runner=UnsandboxedWorkflowRunner()
    )
    with pytest.raises(NondeterminismError):
        asyncio.run(replayer.replay_workflow(history(path)))
