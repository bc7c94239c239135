"""The list of decisions and the folder of decisions agree."""

import re

from tests.packaging.checkout import ROOT

FOLDER = ROOT / "docs" / "adr"


def test_every_decision_is_listed_once_and_every_listed_one_exists() -> None:
    listed = re.findall(
        r"^\| .*\]\((\d{4}-[a-z0-9-]+\.md)\)", (FOLDER / "README.md").read_text(), re.M
    )
    present = sorted(path.name for path in FOLDER.glob("[0-9]*.md") if path.name[:4] != "0000")
    assert listed == present


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted(FOLDER.glob("[0-9]*.md"))]
    assert numbers == list(range(len(numbers)))


def test_every_decision_states_its_status_and_its_sections() -> None:
    for path in FOLDER.glob("[0-9]*.md"):
        text = path.read_text()
        assert re.search(r"^- \*\*Status\*\*: (proposed|accepted|replaced by)", text, re.M), (
            path.name
        )
        headings = re.findall(r"^## (.+)$", text, re.M)
        assert {"Context", "Decision", "Consequences"} <= set(headings), path.name
