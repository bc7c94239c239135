"""What the commands of this folder share: a folder for the run, its report, an exit code."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from headless_presale.engines import EnginesUnsupported
from tests.chaos.report import Report
from tests.chaos.run import Storm, run

VIOLATED, UNSUPPORTED = 1, 3


def make_folder(parent: Path | None) -> Path:
    """Return a new folder that PostgreSQL's user can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="presale-chaos-", dir=parent))
    folder.chmod(0o711)
    (folder / "data").mkdir()
    return folder


def weather(
    make_storm: Callable[[Path], Storm],
    *,
    folder: Path | None,
    report_file: Path | None,
    is_kept: bool = False,
) -> int:
    """Run a storm, print and write its report; return the exit code.

    The run's folder, with every log and the journal, is removed when all is well.

    Args:
        folder: where to make the run's own folder; the system's temporary one if None.
        report_file: where the report goes as JSON.
    """
    place = make_folder(folder)
    print(f"Logs and journal: {place}", flush=True)
    try:
        report = asyncio.run(_until_told_to_stop(make_storm(place)))
    except EnginesUnsupported as error:
        print(error, file=sys.stderr)
        return UNSUPPORTED
    report.write(report_file or place / "report.json")
    print(report.table())
    if report.is_clean and not is_kept:
        shutil.rmtree(place, ignore_errors=True)
    else:
        print(f"Kept: {place}")
    return 0 if report.is_clean else VIOLATED


async def _until_told_to_stop(storm: Storm) -> Report:
    """Take SIGTERM like Ctrl-C: what was started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(storm)
