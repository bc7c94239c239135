"""Starting: from the command to the first request that may come, on files that are warm."""

import asyncio
import json
import socket
import time
from collections.abc import Mapping, Sequence
from statistics import median

from bench.report import Row, Target
from bench.run import Run
from bench.servers import DEFENDED, begin, cpu_seconds_of, free_port
from bench.turns import Spread, ratios

ROUNDS = 5
WITHIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.002
MOST_SECONDS, MOST_MB = 2.0, 150.0


async def run(run: Run) -> list[Row]:
    """Measure how long ``serve`` takes, and what the process that has served the bench holds."""
    spec = run.folder / "start.json"
    spec.write_text(json.dumps({}))
    commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
        "ours": (("-m", "headless_presale.cli", "serve"), DEFENDED),
        "floor": (("-m", "bench.floors", "start", "--spec", str(spec)), {}),
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(ROUNDS + 1):
        for name, (arguments, environment) in commands.items():
            took, processor = await asyncio.to_thread(_start, run, arguments, environment)
            # The first of each has read what the others find in memory.
            if number > 0:
                seconds[name].append(took)
                spent[name].append(processor)
    memory = (await run.api()).memory_mb()
    ours, floor = Spread.of(seconds["ours"]), Spread.of(seconds["floor"])
    return [
        Row(
            case="start, to the first 200 of /readyz",
            unit="s",
            ours=ours.median,
            floor=floor.median,
            cpu_us=median(spent["ours"]) * 1e6,
            floor_cpu_us=median(spent["floor"]) * 1e6,
            ratio=ratios(seconds["ours"], seconds["floor"]),
            target=Target(at_most=MOST_SECONDS),
            is_of_ours=True,
            figures={"seconds": seconds, "processor_seconds": spent},
        ),
        Row(
            case="memory of the API process that has served the bench",
            unit="MB",
            ours=memory["rss"],
            target=Target(at_most=MOST_MB),
            figures=memory,
        ),
    ]


def _start(
    run: Run, arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[float, float]:
    """Return the seconds until the first answer that says it is ready, and the processor's."""
    port = free_port()
    with (run.folder / f"start-{port}.log").open("wb") as log:
        began = time.perf_counter()
        process = begin([*arguments, "--port", str(port)], environment, log)
        try:
            while not _is_ready(port):
                if process.poll() is not None:
                    raise RuntimeError(f"{arguments} ended with {process.returncode}")
                if time.perf_counter() - began > WITHIN_SECONDS:
                    raise TimeoutError(f"{arguments} did not become ready")
                time.sleep(LOOK_EVERY_SECONDS)
            return time.perf_counter() - began, cpu_seconds_of(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _is_ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
