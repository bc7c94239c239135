"""``run``: one on a folder, and whatever is killed comes back."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from headless_presale.cli.priority import BESIDE_AN_API
from headless_presale.cli.supervisor import free_port
from tests.support.commands import run_command


@dataclass(frozen=True, slots=True)
class Running:
    """The whole product, in a process of its own."""

    process: "subprocess.Popen[bytes]"
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/readyz", trust_env=False, timeout=2)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and answer.json()["status"] == "ok"

    def child(self, name: str) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children():
            # One that was just killed has no command line any more.
            with contextlib.suppress(psutil.Error):
                if child.cmdline()[-1:] == [name]:
                    return child
        return None


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Run the whole product on a folder of its own."""
    tmp_path.chmod(0o755)
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "headless_presale.cli", "run"],
            env=_environment(tmp_path, port),
            stdout=log,
            stderr=log,
        )
        yield Running(process, port)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _environment(folder: Path, port: int) -> dict[str, str]:
    named = {"PORT": str(port), "PRESALE_DATA_DIR": str(folder / "data")}
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    return {**kept, **named, "PRESALE_LOG_LEVEL": "ERROR"}


def _until(check: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "not in time"
        time.sleep(0.1)


def _keeper_of(folder: Path) -> psutil.Process:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if "headless_presale.engines.keeper" in words and str(folder) in words:
                return process
    raise AssertionError("no keeper is running")


def test_what_is_killed_comes_back_and_a_second_run_is_refused(
    running: Running, tmp_path: Path
) -> None:
    _until(running.is_ready)

    # Whoever buys comes first.
    worker, api = running.child("worker"), running.child("serve")
    assert worker is not None
    assert api is not None
    own = psutil.Process().nice()
    assert (worker.nice(), api.nice()) == (max(BESIDE_AN_API, own), own)

    # A second one on the same folder says so in one sentence and touches nothing.
    second = run_command(_environment(tmp_path, free_port()), "run")
    assert second.returncode == 1
    assert "is running on" in " ".join(second.stderr.split())

    for name in ("worker", "serve"):
        before = running.child(name)
        assert before is not None
        before.kill()
        _until(
            lambda name=name, before=before: (  # type: ignore[misc]
                (now := running.child(name)) is not None and now.pid != before.pid
            )
        )
    _until(running.is_ready)

    # The keeper of the engines, and both engines with it.
    _keeper_of(tmp_path).kill()
    _until(lambda: "starting them again" in (tmp_path / "log").read_text())
    _until(running.is_ready)

    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(30) == 0


def test_a_command_beside_it_needs_no_port(running: Running, tmp_path: Path) -> None:
    _until(running.is_ready, 150)
    beside = {k: v for k, v in _environment(tmp_path, 1).items() if k != "PORT"}

    def command(*words: str) -> str:
        done = run_command(beside, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    shop = ("--shop", "moonlit-forge")
    token = command("token", *shop, "--scope", "orders:read")
    link = command("staff", "invite", "bob@shop.example", *shop, "--role", "support")

    base = running.url
    answer = httpx.post(
        f"{base}/graphql",
        json={"query": "{ viewer { scopes } }"},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=10,
    )
    assert answer.json()["data"] == {"viewer": {"scopes": ["orders:read"]}}
    assert link.startswith(f"{base}/invitation?token=")
    assert httpx.get(link, trust_env=False, timeout=10).status_code == 200
    assert (tmp_path / "data" / "address").read_text() == f"{base}\n"


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    environment = {**_environment(tmp_path, 1), "PORT": "abc"}
    done = subprocess.run(
        [sys.executable, "-m", "headless_presale.cli", "doctor"],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.decode().startswith("PORT: ")
    assert len(done.stderr.decode().splitlines()) == 1


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    environment = {
        **_environment(tmp_path, 1024),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    done = run_command(environment, "migrate")
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
