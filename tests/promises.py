"""What a maintainer may rely on, as data: `python -m tests.promises > docs/promises.md` writes the page.

`kept_by` are commands (of `skillregistry` where they begin so, else files), `tried_by` tests as `file::test`, and
`said` words that the page has which explains it. tests/test_promises.py fails where one of them, or a row, is missing.
"""

from __future__ import annotations

import sys
from itertools import groupby
from typing import NamedTuple

# A runbook has a row for each of these; one that nothing keeps is a promise broken.
ROWS = (
    "Components", "Quick start", "Compose", "Environment", "Health", "Metrics and alerts", "Logs", "Migrations",
    "Zero downtime", "Rollback", "Stuck worker", "GitHub limits", "Database upkeep", "Backup", "Disaster recovery",
    "Housekeeping", "Secrets", "Production checklist", "GitHub Actions",
)  # fmt: skip
HEAD = """# Promises

What whoever runs a registry may rely on. Each has commands or files that keep it, tests that try it, and a place that
explains it; a test fails where one is missing (`tests/test_promises.py`). This page is written by
`python -m tests.promises`.

| | what is promised | kept by | tried by |
|---|---|---|---|
"""


class Promise(NamedTuple):
    """One thing of a row."""

    row: str
    what: str
    kept_by: tuple[str, ...]
    tried_by: tuple[str, ...]
    said: str
    page: str = "operations.md"


def markdown() -> str:
    """Write the page."""
    lines = []
    for row, promises in groupby(PROMISES, lambda promise: promise.row):
        for number, one in enumerate(promises):
            kept, tried = (", ".join(f"`{name}`" for name in names) for names in (one.kept_by, one.tried_by))
            lines.append(f"| {'' if number else row} | [{one.what}]({one.page}) | {kept} | {tried} |\n")
    return HEAD + "".join(lines)


PROMISES = (
    Promise(
        "Components",
        "All parts run on one machine, each by itself",
        ("deploy/compose.yaml", "deploy/Dockerfile"),
        ("test_deploy.py::test_our_services_run_as_the_compose_file_says",),
        "2 cores, 4 GB of memory and 20 GB of disk",
    ),
    Promise(
        "Quick start",
        "A newcomer sees a registry without a token, an account or a container",
        ("Makefile", "skillregistry up"),
        (
            "test_services.py::test_up_makes_services_that_the_configuration_finds",
            "test_end_to_end.py::test_samples_become_a_checked_site_and_stay_as_they_are",
        ),
        "`skillregistry up`",
    ),
    Promise(
        "Compose",
        "Compose files for development and production: health, limits, log rotation, no default passwords",
        ("deploy/compose.yaml", "deploy/compose.prod.yaml", "deploy/make-secrets", "deploy/pin"),
        (
            "test_deploy.py::test_compose_files_follow_the_specification",
            "test_deploy.py::test_services_are_watched_bounded_and_started_in_order",
            "test_deploy.py::test_production_has_no_default_secret_and_is_reached_through_the_site_alone",
        ),
        "deploy/compose.prod.yaml",
    ),
    Promise(
        "Environment",
        "Every setting is an environment variable, and secrets may come from files",
        ("skillregistry config", "docs/settings.md", "deploy/.env.example"),
        (
            "test_config.py::test_every_setting_has_a_meaning_and_the_documentation_lists_it",
            "test_promises.py::test_the_example_of_an_environment_is_complete",
        ),
        "`_FILE`",
        "settings.md",
    ),
    Promise(
        "Health",
        "Health can be asked of each process, and of the whole",
        ("skillregistry doctor", "cli/skillcli/healthy.py"),
        (
            "test_doctor.py::test_a_registry_that_works_is_well_and_not_ready_for_production",
            "test_housekeeping.py::test_the_exporter_answers_three_addresses",
        ),
        "`skillregistry doctor` looks at everything",
    ),
    Promise(
        "Metrics and alerts",
        "Metrics, alerts that were seen firing, and a dashboard",
        ("deploy/alerts/registry.yaml", "deploy/dashboards/registry.json", "deploy/prometheus.yaml"),
        (
            "test_alerts.py::test_every_alert_was_seen_firing_and_says_what_to_do",
            "test_alerts.py::test_promtool_agrees",
            "test_alerts.py::test_rules_and_dashboard_name_only_metrics_that_are_told",
        ),
        "`deploy/alerts/registry.yaml` has the rules",
    ),
    Promise(
        "Metrics and alerts",
        "Somebody hears of an alert, until it is silenced",
        ("deploy/alertmanager.yaml",),
        ("test_alerting.py::test_an_alert_is_heard_of_until_it_is_silenced",),
        "**To silence one**",
    ),
    Promise(
        "Logs",
        "Logs are JSON without secrets",
        ("data/skilldata/logs.py",),
        ("test_logs.py::test_secrets_are_hidden_wherever_they_stand",),
        "one JSON object a line",
    ),
    Promise(
        "Migrations",
        "The schema goes forwards and back with rows in it",
        ("skillregistry migrate up", "skillregistry migrate down", "skillregistry migrate status"),
        (
            "test_migrate.py::test_down_and_up_again_gives_the_same_schema",
            "test_migrate.py::test_no_step_back_or_forward_loses_a_row_that_both_schemas_hold",
        ),
        "**The schema** goes back",
    ),
    Promise(
        "Zero downtime",
        "An update loses no request and no work",
        ("deploy/update", "deploy/Caddyfile", "tests/drills/update.py"),
        (
            "test_update.py::test_the_old_api_ends_after_the_new_one_was_seen_ready",
            "test_update.py::test_an_image_that_does_not_become_ready_replaces_nothing",
            "test_commands.py::test_serve_answers_and_drains",
            "test_replay.py::test_a_recorded_run_replays",
            "test_deploy.py::test_our_services_run_as_the_compose_file_says",
        ),
        "**Updating**",
    ),
    Promise(
        "Rollback",
        "Going back takes seconds",
        ("skillregistry snapshot list", "skillregistry snapshot rollback"),
        (
            "test_snapshot_commands.py::test_a_life_of_snapshots",
            "test_end_to_end.py::test_a_snapshot_is_rolled_back_and_found_by_another_machine",
        ),
        "**Rolling back** moves the pointer",
    ),
    Promise(
        "Stuck worker",
        "Work that is stuck is named, and can be paused, resumed and tried again",
        (
            "skillregistry crawl status", "skillregistry crawl pause", "skillregistry crawl resume",
            "skillregistry crawl failures", "skillregistry crawl retry",
        ),
        (
            "test_doctor.py::test_work_that_waits_for_nobody_is_named",
            "test_end_to_end.py::test_what_could_not_be_crawled_is_listed_with_its_reason_and_tried_again",
            "test_end_to_end.py::test_schedules_are_made_paused_and_made_again_without_going_on",
        ),
        "`skillregistry crawl failures`",
    ),
    Promise(
        "GitHub limits",
        "GitHub's limits are kept, by all workers together",
        ("skillregistry crawl budgets",),
        (
            "test_budgets.py::test_a_limit_that_github_tells_is_kept_by_all_workers",
            "test_budgets.py::test_workers_never_send_more_than_the_window_has",
            "test_limits.py::test_a_crawl_goes_on_with_the_other_token",
        ),
        "## GitHub's limits",
    ),
    Promise(
        "Database upkeep",
        "The database is looked after",
        ("skillregistry db maintain", "skillregistry db sizes"),
        ("test_housekeeping.py::test_upkeep_lets_old_runs_go_and_keeps_the_last",),
        "`skillregistry db maintain`",
    ),
    Promise(
        "Backup",
        "Backups are made, checked and restored, and the index can be made anew without one",
        (
            "skillregistry backup create", "skillregistry backup list", "skillregistry backup verify",
            "skillregistry backup prune", "skillregistry restore", "skillregistry rebuild-index",
        ),
        (
            "test_backup.py::test_a_lost_index_comes_back_and_goes_on",
            "test_backup.py::test_damage_is_noticed_and_nothing_of_it_is_restored",
            "test_rebuild.py::test_the_index_comes_back_from_the_object_store",
        ),
        "**The database is lost**",
    ),
    Promise(
        "Disaster recovery",
        "A disaster was drilled, with its times",
        ("tests/drills/__main__.py", "skillregistry fsck"),
        ("test_drills.py::test_a_short_drill_passes",),
        "make drills",
        "reliability.md",
    ),
    Promise(
        "Housekeeping",
        "Housekeeping runs by itself, and its last success is known",
        ("crawler/skillcrawler/housekeeping.py", "skillregistry crawl schedule"),
        (
            "test_housekeeping.py::test_schedules_keep_the_registry_and_metrics_tell_of_it",
            "test_housekeeping.py::test_a_success_is_remembered_when_temporal_forgets",
        ),
        "`collect-garbage`",
    ),
    Promise(
        "Secrets",
        "Keys and secrets are changed without an interruption",
        ("skillregistry trust rotate", "skillregistry trust refresh"),
        (
            "test_trust.py::test_clients_that_hold_the_old_root_follow_a_new_key",
            "test_requests.py::test_both_secrets_are_valid_and_no_other",
        ),
        "**Changing the secret**",
    ),
    Promise(
        "Secrets",
        "A Temporal elsewhere is reached over TLS, with a certificate or a key",
        ("data/skilldata/temporal.py",),
        (
            "test_temporal.py::test_a_cluster_knows_us_by_our_certificate",
            "test_temporal.py::test_temporal_cloud_knows_us_by_a_key",
        ),
        "**A Temporal of your own**",
    ),
    Promise(
        "Production checklist",
        "A checklist for production that fails",
        ("skillregistry doctor",),
        ("test_doctor.py::test_the_checklist_of_production", "test_doctor.py::test_missing_backups_are_found"),
        "With `--production`",
    ),
    Promise(
        "GitHub Actions",
        "A registry runs in GitHub Actions alone",
        (".github/workflows/registry.yml", ".github/workflows/images.yml", "deploy/state"),
        (
            "test_workflows.py::test_the_workflow_keeps_a_registry_from_run_to_run",
            "test_workflows.py::test_without_an_s3_the_state_is_a_release",
        ),
        "`.github/workflows/registry.yml`",
    ),
)  # fmt: skip

if __name__ == "__main__":
    sys.stdout.write(markdown())
