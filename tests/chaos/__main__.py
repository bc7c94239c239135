"""``python -m tests.chaos --seed N --minutes M``: exit code 1 on any violation."""

import argparse
import sys
from pathlib import Path

from tests.chaos.command import weather
from tests.chaos.run import Storm


def main() -> int:
    """Read the arguments and weather the storm."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which plan of faults")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long; 0.5 is half a minute")
    parser.add_argument("--buyers", type=int, default=8, help="how many at once")
    parser.add_argument("--apis", type=int, default=2, help="API processes")
    parser.add_argument("--workers", type=int, default=1, help="worker processes")
    parser.add_argument("--folder", type=Path, help="where the run makes its folder")
    parser.add_argument("--report", type=Path, help="where the report goes as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a clean run too")
    chosen = parser.parse_args()

    def storm(folder: Path) -> Storm:
        return Storm(
            seed=chosen.seed,
            minutes=chosen.minutes,
            folder=folder,
            buyers=chosen.buyers,
            apis=chosen.apis,
            workers=chosen.workers,
        )

    return weather(storm, folder=chosen.folder, report_file=chosen.report, is_kept=chosen.keep)


if __name__ == "__main__":
    sys.exit(main())
