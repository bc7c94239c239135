"""Engines that leave nothing behind."""

from pathlib import Path

import psycopg

from headless_presale.engines import throwaway_engines
from headless_presale.engines.throwaway import remove_abandoned
from tests.integration.engines.content import read_both, write_both
from tests.integration.engines.processes import (
    everything,
    kill_all,
    launcher_process,
    nothing_is_left,
    wait_until,
)


def test_the_folder_is_gone_afterwards(parent: Path) -> None:
    with throwaway_engines(parent) as urls:
        [data_dir] = parent.iterdir()
        assert urls.database_url is not None
        with psycopg.connect(urls.database_url) as connection:
            row = connection.execute(
                "SELECT current_setting('fsync'), current_setting('synchronous_commit'), "
                "current_setting('full_page_writes')"
            ).fetchone()
        assert row == ("off", "off", "off")
        write_both(urls.database_url, urls.redis_url, "for now")
        assert read_both(urls.database_url, urls.redis_url) == ("for now", "for now")
        assert list((data_dir / "valkey").iterdir()) == []
    assert list(parent.iterdir()) == []
    assert nothing_is_left(parent)


def test_the_folder_is_gone_after_the_test_process_was_killed(parent: Path) -> None:
    with launcher_process(parent, throwaway=True) as launcher:
        assert len(list(parent.iterdir())) == 1
        launcher.kill()
        wait_until(lambda: list(parent.iterdir()) == [], seconds=30)
    assert nothing_is_left(parent)


def test_a_folder_whose_keeper_was_killed_too_goes_next_time(parent: Path) -> None:
    with launcher_process(parent, throwaway=True) as launcher:
        [abandoned] = parent.iterdir()
        kill_all(everything(parent))
        launcher.kill()
    wait_until(lambda: everything(parent) == [], seconds=30)
    assert abandoned.exists()

    with throwaway_engines(parent):
        [used] = parent.iterdir()
        assert used != abandoned
        # And one that is in use stays.
        remove_abandoned(parent)
        assert used.exists()
