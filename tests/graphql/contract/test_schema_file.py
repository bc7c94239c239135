"""The committed schema is what the code says, and a drift is shown."""

from pathlib import Path

import pytest

from schema import export
from schema.contract import schema_text


def test_the_committed_schema_is_current() -> None:
    assert export.PATH.read_text(encoding="utf-8") == schema_text()
    assert export.main(["--check"]) == 0


def test_a_drifted_schema_fails_the_check_and_shows_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a committed schema without one field
    path = tmp_path / "schema.graphql"
    assert export.main([], path=path) == 0
    path.write_text(path.read_text().replace("  secondsUntilOpen: Int!\n", ""))

    # When it is checked
    code = export.main(["--check"], path=path)

    # Then it fails, says what is missing, and leaves the file alone
    assert code == 1
    assert "+  secondsUntilOpen: Int!" in capsys.readouterr().out
    assert "secondsUntilOpen" not in path.read_text()


def test_an_unknown_option_of_the_export_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "schema.graphql"
    assert export.main(["--chekc"], path=path) == 2
    assert not path.exists()
