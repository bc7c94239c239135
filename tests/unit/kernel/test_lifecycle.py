"""Lifecycles: the moves a table names, all of them and no others."""

from enum import StrEnum
from itertools import product

import pytest

from headless_presale.campaigns import CAMPAIGN_LIFECYCLE, CampaignStatus
from headless_presale.kernel.errors import TransitionNotAllowed
from headless_presale.kernel.lifecycle import Lifecycle
from headless_presale.orders import CLAIMING, HOLDING, ORDER_LIFECYCLE, RELEASED, OrderStatus


class Door(StrEnum):
    OPEN = "OPEN"
    SHUT = "SHUT"
    LOCKED = "LOCKED"


class Window(StrEnum):
    OPEN = "OPEN"
    TILTED = "TILTED"


MOVES: dict[StrEnum, set[StrEnum]] = {
    Door.OPEN: {Door.SHUT},
    Door.SHUT: {Door.OPEN, Door.LOCKED},
    Door.LOCKED: set(),
}
DOOR: Lifecycle[StrEnum] = Lifecycle("door", MOVES, initial=Door.OPEN)


def test_exactly_the_moves_of_the_table_are_allowed() -> None:
    allowed = {(a, b) for a, b in product(Door, Door) if DOOR.allows(a, b)}

    assert allowed == {
        (Door.OPEN, Door.SHUT),
        (Door.SHUT, Door.OPEN),
        (Door.SHUT, Door.LOCKED),
    }


def test_a_move_that_is_not_in_the_table_is_refused_with_both_ends() -> None:
    DOOR.check(Door.OPEN, Door.SHUT)

    with pytest.raises(TransitionNotAllowed) as refused:
        DOOR.check(Door.LOCKED, Door.OPEN)

    assert refused.value.code == "TRANSITION_NOT_ALLOWED"
    assert refused.value.params == {"what": "door", "source": "LOCKED", "target": "OPEN"}
    assert str(refused.value) == "door cannot go from LOCKED to OPEN"


def test_the_sources_of_a_state_come_in_declaration_order() -> None:
    assert DOOR.sources_of(Door.SHUT) == [Door.OPEN]
    assert ORDER_LIFECYCLE.sources_of(OrderStatus.PAID) == [
        OrderStatus.AWAITING_PAYMENT,
        OrderStatus.AWAITING_BALANCE,
        OrderStatus.EXPIRED,
    ]
    assert DOOR.final() == {Door.LOCKED}


def test_the_diagram_shows_every_move() -> None:
    assert DOOR.as_mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> OPEN",
        "    OPEN --> SHUT",
        "    SHUT --> LOCKED",
        "    SHUT --> OPEN",
        "    LOCKED --> [*]",
    ]


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        ({**MOVES, Door.LOCKED: {Window.TILTED}}, "TILTED"),
        ({**MOVES, Window.TILTED: {Door.OPEN}}, "TILTED"),
        # Equal as text, and still not a door.
        ({**MOVES, Door.LOCKED: {Window.OPEN}}, "Window.OPEN"),
        ({Door.OPEN: {Door.SHUT}}, "does not say what follows SHUT, LOCKED"),
    ],
)
def test_a_table_with_an_alien_or_a_hole_is_refused(
    moves: dict[StrEnum, set[StrEnum]], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Lifecycle("door", moves, initial=Door.OPEN)


def test_a_campaign_can_be_called_off_from_everywhere_and_nothing_follows() -> None:
    assert CAMPAIGN_LIFECYCLE.sources_of(CampaignStatus.CANCELLED) == [
        status for status in CampaignStatus if status is not CampaignStatus.CANCELLED
    ]
    assert CAMPAIGN_LIFECYCLE.final() == {CampaignStatus.CANCELLED}


def test_an_order_either_holds_claims_or_has_released_its_slots() -> None:
    assert set(OrderStatus) == HOLDING | CLAIMING | RELEASED
    assert len(OrderStatus) == len(HOLDING) + len(CLAIMING) + len(RELEASED)
