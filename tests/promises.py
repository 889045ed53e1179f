"""What a maintainer may rely on, as data: each promise with what keeps it, what tries it, and where it is explained.

`kept_by` are commands (of `skillregistry` where they begin so, else files), `tried_by` tests as `file::test`, and
`said` words that docs/operations.md or another page has. tests/test_promises.py fails where one of them is missing.
"""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """One row."""

    what: str
    kept_by: tuple[str, ...]
    tried_by: tuple[str, ...]
    said: str
    page: str = "operations.md"


PROMISES = (
    Promise(
        "All parts run on one machine, each by itself",
        ("deploy/compose.yaml", "deploy/Dockerfile"),
        ("test_deploy.py::test_our_services_run_as_the_compose_file_says",),
        "deploy/compose.yaml",
    ),
    Promise(
        "A newcomer sees a registry without a token, an account or a container",
        ("Makefile", "skillregistry up"),
        ("test_services.py", "test_end_to_end.py"),
        "`skillregistry up`",
    ),
    Promise(
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
        "Health can be asked of each process, and of the whole",
        ("skillregistry doctor", "cli/skillcli/healthy.py"),
        (
            "test_doctor.py::test_a_registry_that_works_is_well_and_not_ready_for_production",
            "test_housekeeping.py::test_the_exporter_answers_three_addresses",
        ),
        "`skillregistry doctor` looks at everything",
    ),
    Promise(
        "Metrics, alerts that were seen firing, and a dashboard",
        ("deploy/alerts/registry.yaml", "deploy/dashboards/registry.json", "deploy/prometheus.yaml"),
        (
            "test_alerts.py::test_promtool_agrees",
            "test_alerts.py::test_rules_and_dashboard_name_only_metrics_that_are_told",
        ),
        "`deploy/alerts/registry.yaml` has the rules",
    ),
    Promise(
        "Logs are JSON without secrets",
        ("data/skilldata/logs.py",),
        ("test_logs.py::test_secrets_are_hidden_wherever_they_stand",),
        "one JSON object a line",
    ),
    Promise(
        "The schema goes forwards and back with rows in it",
        ("skillregistry migrate up", "skillregistry migrate down", "skillregistry migrate status"),
        ("test_migrate.py::test_down_and_up_again_gives_the_same_schema",),
        "**The schema** goes back",
    ),
    Promise(
        "An update loses no request and no work",
        ("skillregistry serve", "skillregistry worker"),
        (
            "test_commands.py::test_serve_answers_and_drains",
            "test_replay.py::test_a_recorded_run_replays",
            "test_deploy.py::test_our_services_run_as_the_compose_file_says",
        ),
        "**Updating**",
    ),
    Promise(
        "Going back takes seconds",
        ("skillregistry snapshot list", "skillregistry snapshot rollback"),
        ("test_snapshot_commands.py",),
        "**Rolling back** moves the pointer",
    ),
    Promise(
        "Work that is stuck is named, and can be paused, resumed and tried again",
        (
            "skillregistry crawl status", "skillregistry crawl pause", "skillregistry crawl resume",
            "skillregistry crawl failures", "skillregistry crawl retry",
        ),
        ("test_doctor.py::test_work_that_waits_for_nobody_is_named", "test_end_to_end.py"),
        "`skillregistry crawl failures`",
    ),
    Promise(
        "GitHub's limits are kept, by all workers together",
        ("skillregistry crawl budgets",),
        ("test_budgets.py", "test_limits.py"),
        "## GitHub's limits",
    ),
    Promise(
        "The database is looked after",
        ("skillregistry db maintain", "skillregistry db sizes"),
        ("test_housekeeping.py::test_upkeep_lets_old_runs_go_and_keeps_the_last",),
        "`skillregistry db maintain`",
    ),
    Promise(
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
        "A disaster was drilled, with its times",
        ("tests/drills/__main__.py", "skillregistry fsck"),
        ("test_drills.py::test_a_short_drill_passes",),
        "make drills",
        "reliability.md",
    ),
    Promise(
        "Housekeeping runs by itself, and its last success is known",
        ("crawler/skillcrawler/housekeeping.py", "skillregistry crawl schedule"),
        (
            "test_housekeeping.py::test_schedules_keep_the_registry_and_metrics_tell_of_it",
            "test_housekeeping.py::test_a_success_is_remembered_when_temporal_forgets",
        ),
        "`collect-garbage`",
    ),
    Promise(
        "Keys and secrets are changed without an interruption",
        ("skillregistry trust rotate", "skillregistry trust refresh"),
        ("test_trust.py", "test_ondemand.py"),
        "**Changing the secret**",
    ),
    Promise(
        "A checklist for production that fails",
        ("skillregistry doctor",),
        ("test_doctor.py::test_the_checklist_of_production", "test_doctor.py::test_missing_backups_are_found"),
        "With `--production`",
    ),
    Promise(
        "A registry runs in GitHub Actions alone",
        (".github/workflows/registry.yml", ".github/workflows/images.yml", "deploy/state"),
        (
            "test_workflows.py::test_the_workflow_keeps_a_registry_from_run_to_run",
            "test_workflows.py::test_without_an_s3_the_state_is_a_release",
        ),
        "`.github/workflows/registry.yml`",
    ),
)  # fmt: skip
