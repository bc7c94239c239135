"""The tasks a worker knows: every one that is asked for, under its name, safe to lose a process."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import procrastinate

import headless_presale
from headless_presale.notifications.announcing import QUEUE as ANNOUNCEMENTS
from headless_presale.webhooks.replaying import QUEUE
from headless_presale.worker import CONCURRENCY, create_job_app
from tests.conftest import NOON

PACKAGE = Path(headless_presale.__file__).parent


def make_app() -> procrastinate.App:
    return create_job_app("postgresql://nobody@127.0.0.1/none")


def own_tasks(app: procrastinate.App) -> set[str]:
    return {name for name in app.tasks if "builtin" not in name}


def deferred_names() -> Iterator[tuple[str, str]]:
    """Yield where ``defer`` is called and the name of the task it asks for."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("defer", "defer_many")
            ):
                (name, *_) = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno} hides its task"
                yield f"{path.name}:{node.lineno}", str(name.value)


def test_every_task_that_is_asked_for_exists() -> None:
    asked_for = list(deferred_names())

    assert {name for _, name in asked_for} >= {
        "payments:submit_refund",
        "payments:cancel_intent",
        "orders:cancel_campaign",
        "notifications:send_message",
    }
    known = own_tasks(make_app())
    assert [(place, name) for place, name in asked_for if name not in known] == []


def test_the_periodic_tasks_and_how_often_they_run() -> None:
    intervals = {}
    for periodic in make_app().periodic_registry.periodic_tasks.values():
        periodic.croniter.set_current(NOON.timestamp())
        times = [periodic.croniter.get_next(float) for _ in range(50)]
        intervals[periodic.task.name] = {after - before for before, after in pairwise(times)}

    assert {name: seconds for name, seconds in intervals.items() if "builtin" not in name} == {
        "campaigns:sweep": {5},
        "orders:sweep": {5},
        "slots:reconcile": {10},
        "webhooks:sweep": {2},
        "maintenance:retry_stalled": {15},
        "payments:reconcile": {30},
        "maintenance:forget_finished": {3600},
        "carts:forget_ended": {3600},
        "customers:forget_ended": {3600},
        "notify_me:forget_old": {3600},
        "notifications:forget_list_mails": {3600},
        "privacy:forget_exports": {3600},
        "identity:forget_attempts": {3600},
        "identity:forget_grants": {3600},
        "webhooks:forget": {3600},
        "analytics:sum_up": {10},
        "media:sweep_orphans": {3600},
        "catalog:forget_files": {3600},
    }


def test_every_queue_that_jobs_are_put_into_is_worked() -> None:
    assert set(CONCURRENCY) == {"default", QUEUE, ANNOUNCEMENTS}


def test_periodic_tasks_do_not_pile_up() -> None:
    for task in make_app().periodic_registry.periodic_tasks.values():
        if "builtin" not in task.task.name:
            assert task.task.queueing_lock, task.task.name


def test_what_is_not_repeated_by_the_clock_is_retried() -> None:
    app = make_app()
    periodic = {task.task.name for task in app.periodic_registry.periodic_tasks.values()}

    once = [name for name in own_tasks(app) - periodic if app.tasks[name].retry_strategy is None]

    assert once == []


def test_a_second_app_names_its_tasks_the_same() -> None:
    assert own_tasks(make_app()) == own_tasks(make_app())
