"""A small schema with one of everything that a plan has to know, or to leave to graphql-core.

Each resolver writes into ``journal`` when it begins and when it ends, so that the order of an
execution can be compared as well as its answer.
"""

import asyncio
import enum
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from typing import Any

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission

journal: list[str] = []


async def slowly(name: str, ticks: int = 1) -> None:
    """Take some turns of the loop."""
    journal.append(f"{name} begins")
    for _ in range(ticks):
        await asyncio.sleep(0)
    journal.append(f"{name} ends")


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.input
class Corner:
    x: int = 1
    y: int | None = None


@strawberry.input
class Shape:
    name: str
    colour: Colour = Colour.RED
    corners: list[Corner] | None = None
    tags: list[str] = strawberry.field(default_factory=lambda: ["plain"])
    note: strawberry.Maybe[str | None] = None
    left_out: str | None = strawberry.UNSET


@strawberry.input(one_of=True)
class Choice:
    number: int | None = strawberry.UNSET
    text: str | None = strawberry.UNSET


class Doubled(FieldExtension):
    """Doubles what a synchronous resolver returns."""

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        return 2 * next_(source, info, **kwargs)


class Tripled(FieldExtension):
    """Triples it, in its own time."""

    async def resolve_async(
        self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        await slowly("tripled")
        return 3 * await next_(source, info, **kwargs)


class Never(BasePermission):
    """Lets nobody in."""

    message = "not you"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return False


@strawberry.interface
class Named:
    name: str

    @strawberry.field
    def shouted(self) -> str:
        return self.name.upper()


@strawberry.type
class Stone(Named):
    weight: int = 1


@strawberry.type
class Guessed:
    """Says itself what is one of it."""

    size: int = 7

    @classmethod
    def is_type_of(cls, value: Any, _info: GraphQLResolveInfo[Any]) -> bool:
        return isinstance(value, cls | dict)


@strawberry.type
class Thing(Named):
    number: int = 5
    ratio: float = 0.5
    is_new: bool = True
    colour: Colour = Colour.BLUE
    not_a_number: int = strawberry.field(default="many")
    too_big: int | None = 2**40
    nothing: str | None = None
    missing: str = strawberry.field(default=None)
    as_text: str = strawberry.field(default=True)

    @strawberry.field
    def of_parent(parent: strawberry.Parent["Thing"], times: int = 1) -> str:
        return parent.name * times

    @strawberry.field
    def self_alone(self) -> int:
        return self.number + 1

    @strawberry.field
    def where(self, info: strawberry.Info) -> str:
        steps = ".".join(map(str, info.path.as_list()))
        return f"{info.field_name} of {self.name} at {steps} asked by {info.context}"

    @strawberry.field
    def raises(self) -> str | None:
        journal.append(f"{self.name} raises")
        raise ValueError(f"{self.name} raises")

    @strawberry.field
    def must_not_raise(self) -> str:
        raise ValueError(f"{self.name} must not raise")

    @strawberry.field
    async def later(self, ticks: int = 1) -> str:
        await slowly(f"{self.name} later {ticks}", ticks)
        return f"later {ticks}"

    @strawberry.field
    async def raises_later(self, ticks: int = 2) -> str | None:
        await slowly(f"{self.name} raises later", ticks)
        raise ValueError(f"{self.name} raises later")

    @strawberry.field
    async def must_not_raise_later(self, ticks: int = 2) -> str:
        await slowly(f"{self.name} must not", ticks)
        raise ValueError(f"{self.name} must not raise later")

    @strawberry.field
    async def missing_later(self) -> str:
        await slowly(f"{self.name} missing")
        return None  # type: ignore[return-value]

    @strawberry.field
    def awaitable(self) -> str:
        return asyncio.ensure_future(self._text())  # type: ignore[return-value]

    async def _text(self) -> str:
        await slowly(f"{self.name} awaitable")
        return "awaited"

    @strawberry.field
    def error_as_value(self) -> str | None:
        return LookupError("returned")  # type: ignore[return-value]

    @strawberry.field
    async def child(self) -> "Thing | None":
        await slowly(f"{self.name} child")
        return Thing(name=f"child of {self.name}")

    @strawberry.field
    def twin(self) -> "Thing":
        return Thing(name=f"twin of {self.name}")

    @strawberry.field
    def children(self, first: int | None = 2) -> list["Thing"]:
        return [Thing(name=f"{self.name} {n}", number=n) for n in range(first or 0)]

    @strawberry.field
    async def children_later(self) -> "list[Thing | None] | None":
        await slowly(f"{self.name} children")
        return [Thing(name="a"), None, ValueError("no child"), Thing(name="b")]  # type: ignore[list-item]

    @strawberry.field
    def grid(self) -> list[list[int | None]]:
        return [[1, None], (2, 3), []]  # type: ignore[list-item]

    @strawberry.field
    def holes(self) -> list[int] | None:
        return [1, None, 3]  # type: ignore[list-item]

    @strawberry.field
    def awaited_items(self) -> list[str | None]:
        return [self._text(), "there", self._breaks(), None]  # type: ignore[list-item]

    @strawberry.field
    def awaited_items_break(self) -> list[str] | None:
        return [self._text(), None, self._text()]  # type: ignore[list-item]

    async def _breaks(self) -> str:
        await slowly(f"{self.name} item")
        raise ValueError("an item breaks")

    @strawberry.field
    def generated(self) -> list[int]:
        def numbers() -> Generator[int, None, None]:
            yield from (1, 2)

        return numbers()  # type: ignore[return-value]

    @strawberry.field
    def streamed(self) -> list["Thing"]:
        async def things() -> AsyncIterator[Thing]:
            await slowly(f"{self.name} streamed")
            yield Thing(name="streamed")

        return things()  # type: ignore[return-value]

    @strawberry.field
    async def streamed_by_itself(self) -> list[int]:  # type: ignore[misc]
        await slowly(f"{self.name} streams")
        yield 1

    @strawberry.field
    def no_list(self) -> list[int] | None:
        return 5  # type: ignore[return-value]

    @strawberry.field
    def anything(self, which: int = 0) -> Named | None:
        return (Stone(name="stone"), Thing(name="thing"), None, "neither")[which % 4]  # type: ignore[return-value]

    @strawberry.field
    def either(self, which: int = 0) -> "Stone | Guessed | None":
        return (Stone(name="stone"), Guessed(), None, Thing(name="x"))[which % 4]  # type: ignore[return-value]

    @strawberry.field
    def guessed(self, which: int = 0) -> Guessed | None:
        return (Guessed(), Stone(name="x"))[which % 2]  # type: ignore[return-value]

    @strawberry.field
    def not_mine(self) -> "Stone | None":
        return Thing(name="x")  # type: ignore[return-value]

    @strawberry.field(extensions=[Doubled()])  # type: ignore[untyped-decorator]
    def doubled(self, by: int = 2) -> int:
        return self.number * by

    @strawberry.field(extensions=[Tripled()])  # type: ignore[untyped-decorator]
    async def tripled(self, info: strawberry.Info, by: int = 2) -> int:
        return self.number * by + len(info.field_name)

    @strawberry.field(extensions=[Tripled()])  # type: ignore[untyped-decorator]
    def tripled_at_once(self) -> int:
        return self.number

    @strawberry.field(permission_classes=[Never])  # type: ignore[untyped-decorator]
    def forbidden(self) -> str | None:
        return "never"

    @strawberry.field
    def drawn(
        self,
        shape: Shape,
        id_: strawberry.ID | None = None,
        colours: list[Colour] | None = None,
    ) -> str:
        shape.tags.append("mine")
        return repr((shape, id_, colours))

    @strawberry.field
    async def drawn_later(self, choice: Choice, shapes: list[Shape | None] | None = None) -> str:
        await slowly(f"{self.name} drawn")
        return repr((choice, shapes))


def of_root(root: Any, _info: strawberry.Info) -> str:
    return f"root {root} {_info.context}"


@strawberry.type
class Query:
    rooted: str = strawberry.field(resolver=of_root)

    @strawberry.field
    def thing(self, name: str = "thing") -> Thing:
        return Thing(name=name)

    @strawberry.field
    async def maybe(self, is_there: bool = True) -> Thing | None:
        await slowly("maybe")
        return Thing(name="maybe") if is_there else None

    @strawberry.field
    def things(self) -> list[Thing | None]:
        return [Thing(name="one"), None, Thing(name="two")]

    @strawberry.field
    @staticmethod
    def fixed(number: int = 1) -> int:
        return number

    @strawberry.field
    @classmethod
    def classy(cls, number: int = 1) -> str:
        return f"{cls.__name__} {number}"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def step(self, name: str = "step", ticks: int = 2) -> Thing | None:
        await slowly(name, ticks)
        return Thing(name=name)

    @strawberry.mutation
    def step_at_once(self, name: str = "at once") -> str:
        journal.append(name)
        return name

    @strawberry.mutation
    async def break_(self) -> str | None:
        await slowly("break")
        raise ValueError("a step breaks")

    @strawberry.mutation
    def must_not_break(self) -> str:
        raise ValueError("a step must not break")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def things(self) -> AsyncGenerator[Thing, None]:
        for number in range(2):
            yield Thing(name=f"event {number}")


SCHEMA = strawberry.Schema(
    Query, mutation=Mutation, subscription=Subscription, types=[Stone, Guessed]
)
KNOWN: dict[str, list[Any]] = {
    "name": ["x", "y"],
    "ticks": [0, 1, 3],
    "which": [0, 1, 2, 3],
    "first": [0, 1, 3],
    "Int": [2],
    "ID": ["id"],
    "shape": [
        {"name": "square"},
        {"name": "line", "corners": [{"x": 2}, {"y": None}], "note": None, "tags": []},
        {"name": "dot", "note": "here", "leftOut": None, "tags": "one", "corners": {"x": 3}},
    ],
    "shapes": [{"name": "square"}, {"name": "line", "corners": [{"x": 2}, {"y": 3}]}],
    "choice": [{"number": 1}, {"text": "t"}],
}
