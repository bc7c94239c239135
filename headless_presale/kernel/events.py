"""Events: what happened, told upwards. Rows first, handlers in the same transaction, news after.

A lower context emits; an upper one handles. The only place that knows both is the
``EVENT_HANDLERS`` table at the top, handed to :func:`set_event_handlers` at start-up.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from tortoise import fields as columns
from tortoise.indexes import Index

from headless_presale.kernel.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. Subclasses are named in the past tense.

    ``type`` is the name on the wire (``order.placed``). ``topic`` is what a follower subscribes
    to (``order:<id>``); its rows, in id order, are that thing's history. ``private`` are fields
    that are noted for ourselves and told to nobody. ``begins_its_topic`` says that the thing came
    to be by it: nobody can have followed it before, so it is not broadcast.
    """

    type: ClassVar[str]
    private: ClassVar[frozenset[str]] = frozenset()
    begins_its_topic: ClassVar[bool] = False

    @property
    def topic(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} names no topic")

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


def _plain(value: object) -> object:
    if isinstance(value, UUID | StrEnum):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


class EventRecord(Model):
    """One row per event: the order's history, the source of every live update."""

    id = columns.BigIntField(primary_key=True, generated=True)
    topic = columns.CharField(max_length=80)
    type = columns.CharField(max_length=60)
    payload = columns.JSONField[dict[str, Any]]()
    actor = columns.CharField(max_length=80)
    created_at = columns.DatetimeField()

    class Meta:
        table = "event"
        indexes = (Index(fields=("topic", "id"), name="event_topic_id"),)


Handler = Callable[[Any], Awaitable[None]]
_handlers: Mapping[type[Event], Sequence[Handler]] = {}


def set_event_handlers(table: Mapping[type[Event], Sequence[Handler]]) -> None:
    """Install the one table of handlers. Called once by the composition root."""
    global _handlers
    _handlers = table


def handlers_of(event: Event) -> Sequence[Handler]:
    """Return the handlers of an event, in order."""
    return _handlers.get(type(event), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts. Events carry its name; the audit log, all of it.

    Attributes:
        kind: ``system``, ``buyer``, ``customer``, ``gateway``, ``cli``, ``staff`` or ``client``.
        id: which one: an account's, a customer's or a client's id, a gateway's name.
        label: how people call it: an e-mail address, a client's name.
        client_id: the OAuth client it acts through.
        request_id: the request it acts in.
    """

    kind: str
    id: str = ""
    label: str = ""
    client_id: str = ""
    request_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind


_actor: ContextVar[Actor] = ContextVar("actor", default=Actor(kind="system"))  # noqa: B039


def acting() -> Actor:
    """Return who acts."""
    return _actor.get()


def current_actor() -> str:
    """Return the name of who acts: ``system``, ``buyer``, ``gateway:sandbox``, ``staff:<id>``..."""
    return str(_actor.get())


@contextmanager
def acting_as(actor: Actor | str) -> Iterator[None]:
    """Record the events and changes of this block as done by ``actor``; a text is its name."""
    if isinstance(actor, str):
        kind, _, name = actor.partition(":")
        actor = Actor(kind=kind, id=name)
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)
