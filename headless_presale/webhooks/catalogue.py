"""Which events there are to be told of, and what one has to be allowed to hear of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from uuid import UUID

from headless_presale.campaigns import CampaignEvent
from headless_presale.identity import Scope
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import Event
from headless_presale.orders import OrderEvent
from headless_presale.payments import PaymentEvent

FAMILIES: Mapping[str, Scope] = {
    "order": Scope.ORDERS_READ,
    "payment": Scope.ORDERS_READ,
    "refund": Scope.ORDERS_READ,
    "campaign": Scope.CAMPAIGNS_READ,
}
"""The first word of an event's name -> what one needs to read the same over GraphQL."""

TEST_TYPE = "webhook.test"
"""What a test is called on the wire; nobody subscribes to it."""


@dataclass(frozen=True, slots=True)
class EventType:
    """An event by its name on the wire, with a sentence about it.

    ``fields`` are those of its payload that receivers are told.
    """

    name: str
    description: str
    scope: Scope
    fields: frozenset[str]


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        if "type" in vars(kind) and kind.__module__.startswith("headless_presale."):
            yield kind
        yield from _kinds(kind)


def _event_types() -> dict[str, EventType]:
    kinds = [kind for base in (OrderEvent, PaymentEvent, CampaignEvent) for kind in _kinds(base)]
    found = {}
    for kind in sorted(kinds, key=lambda kind: kind.type):
        family = kind.type.partition(".")[0]
        if family in FAMILIES:
            sentence = (kind.__doc__ or "").partition("\n")[0].replace("``", "`")
            told = frozenset(field.name for field in fields(kind)) - kind.private
            found[kind.type] = EventType(kind.type, sentence, FAMILIES[family], told)
    return found


EVENT_TYPES: Mapping[str, EventType] = _event_types()
"""Every event that can be subscribed to, by name."""


def read_event_types(names: Iterable[str]) -> list[str]:
    """Return the names and families, each once and in order.

    Raises:
        InvalidInput: there is none, or one that does not exist; ``field`` names it.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        raise InvalidInput(reason="name at least one event", field=("event_types",))
    for position, name in enumerate(wanted):
        family, _, rest = name.partition(".")
        if name not in EVENT_TYPES and (family not in FAMILIES or rest != "*"):
            raise InvalidInput(
                reason="there is no event {name}; order.* means all of orders",
                name=name[:60],
                field=("event_types", str(position)),
            )
    return sorted(wanted)


def listening(*, endpoint: str, delivery: str) -> str:
    """Return the SQL that tells whether an endpoint listens for a delivery, as it is now.

    What it has ceased to listen for is not sent to it: its address may be another's by now, of
    somebody who may not read it. A test is always taken.

    Args:
        endpoint, delivery: how the statement calls the two tables.
    """
    return (
        f"({delivery}.event_id IS NULL OR ({endpoint}.event_types && "
        f"ARRAY[{delivery}.type::text, split_part({delivery}.type, '.', 1) || '.*'] "
        f"AND ({endpoint}.shop_ids IS NULL OR {delivery}.shop_id = ANY({endpoint}.shop_ids))))"
    )


def listens(
    event_types: Collection[str], shop_ids: Collection[UUID] | None, *, type_: str, shop_id: UUID
) -> bool:
    """Tell the same of an event of a shop."""
    is_of_shops = shop_ids is None or shop_id in shop_ids
    return is_of_shops and not {type_, f"{type_.partition('.')[0]}.*"}.isdisjoint(event_types)


def scopes_for(names: Iterable[str]) -> frozenset[Scope]:
    """Return what one needs to hear of these events; a name unknown by now needs nothing."""
    families = (name.partition(".")[0] for name in names)
    return frozenset(FAMILIES[family] for family in families if family in FAMILIES)
