"""Errors: every refusal of the project says its sentence with the parameters it documents."""

import ast
import copy
import pickle
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from string import Formatter

import pytest

import headless_presale
from headless_presale.campaigns import CampaignNotPublishable, Fault
from headless_presale.kernel.errors import DomainError, InvalidInput, NotFound, Unavailable
from headless_presale.slots import PurchaseLimitReached


def _refusals() -> list[type[DomainError]]:
    for module in walk_packages(headless_presale.__path__, "headless_presale."):
        if module.name.rpartition(".")[2] == "errors":
            import_module(module.name)
    found: list[type[DomainError]] = []
    unseen = [DomainError]
    while unseen:
        for kind in unseen.pop().__subclasses__():
            if kind.__module__.startswith("headless_presale."):
                found.append(kind)
                unseen.append(kind)
    # A base without a code of its own is never raised.
    return sorted((kind for kind in found if hasattr(kind, "code")), key=lambda kind: kind.__name__)


REFUSALS = _refusals()
# This one builds its sentence from faults, and is looked at on its own.
SENTENCES = [kind for kind in REFUSALS if kind is not CampaignNotPublishable]
ROOT = Path(headless_presale.__path__[0])


def _documented(kind: type[DomainError]) -> set[str]:
    """Return what the docstring names after ``params``:, without remarks in parentheses."""
    found = re.search(r"``params``: ([^.]*)\.", " ".join((kind.__doc__ or "").split()))
    return set(re.sub(r"\s*\([^)]*\)", "", found[1]).split(", ")) if found else set()


def test_there_are_refusals_to_look_at() -> None:
    codes = {kind.code for kind in REFUSALS}

    assert {"SLOTS_SOLD_OUT", "PURCHASE_LIMIT", "TERMS_OUTDATED", "CAMPAIGN_NOT_OPEN"} <= codes


def test_codes_are_stable_words_and_tell_the_refusals_apart() -> None:
    codes = [kind.code for kind in REFUSALS]

    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code) for code in codes)
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("kind", SENTENCES, ids=lambda kind: kind.__name__)
def test_a_refusal_says_its_sentence_with_the_parameters_it_names(kind: type[DomainError]) -> None:
    named = {name for _, name, _, _ in Formatter().parse(kind.template) if name}
    documented = _documented(kind)
    assert not documented or named <= documented, f"{kind.__name__} documents only {documented}"

    params = {name: f"<{name}>" for name in named | _documented(kind)}
    refusal = kind(field=("lines", "0"), **params)

    assert str(refusal) == kind.template.format(**params)
    assert refusal.field == ("lines", "0")
    assert refusal.params == params


def _raised_without_a_parameter() -> list[str]:
    """Return every place that makes a refusal without what its sentence needs."""
    by_name = {kind.__name__: kind for kind in SENTENCES}
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            kind = by_name.get(node.func.id)
            given = {keyword.arg for keyword in node.keywords}
            if kind is None or None in given:
                continue
            named = {name for _, name, _, _ in Formatter().parse(kind.template) if name}
            if not named <= given:
                found.append(f"{path}:{node.lineno}: {kind.__name__} lacks {named - given}")
    return found


def test_every_refusal_is_made_with_what_its_sentence_needs() -> None:
    assert _raised_without_a_parameter() == []


def test_a_campaign_names_each_fault_in_its_sentence() -> None:
    faults = [
        Fault("WINDOW_PAST", "closesAt", "it would be over"),
        Fault("ITEMS_MISSING", "items", "it sells nothing"),
    ]

    refusal = CampaignNotPublishable(faults=faults)

    assert str(refusal) == (
        "the campaign cannot be published: closesAt: it would be over; items: it sells nothing"
    )
    assert refusal.faults == tuple(faults)


def test_a_parameter_with_braces_is_shown_as_it_is() -> None:
    assert str(InvalidInput(reason="{0.__class__}")) == "{0.__class__}"


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_refusal_survives_a_copy(copied: object) -> None:
    refusal = PurchaseLimitReached(limit=2, taken=1, field=("lines",))

    again = copied(refusal)  # type: ignore[operator]

    assert (str(again), again.field, again.params) == (
        "at most 2 per customer, and 1 are taken already",
        ("lines",),
        {"limit": 2, "taken": 1},
    )
    faults = copied(CampaignNotPublishable(faults=[Fault("A", "b", "c")])).faults  # type: ignore[operator]
    assert faults == (Fault("A", "b", "c"),)


def test_not_found_and_unavailable_say_what() -> None:
    assert str(NotFound(what="the shop")) == "the shop was not found"
    gone = Unavailable("database", retry_after_seconds=3)
    assert (str(gone), gone.part, gone.retry_after_seconds) == (
        "database is unavailable",
        "database",
        3,
    )
