"""Relay's conventions: nodes, connections, and what a resolver is given."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import strawberry

from resolvers.context import RequestContext
from resolvers.global_ids import seal
from resolvers.paging import Page, PageRequest
from schema.transport.costs import Cost

Info = strawberry.Info[RequestContext, None]

T = TypeVar("T")
V = TypeVar("V")

First = Annotated[
    int | None,
    strawberry.argument(description="So many from the start; 20 by default, at most 100."),
]
After = Annotated[
    str | None, strawberry.argument(description="Only what comes behind this cursor.")
]
Last = Annotated[
    int | None, strawberry.argument(description="So many from the end, in the same order.")
]
Before = Annotated[
    str | None, strawberry.argument(description="Only what comes before this cursor.")
]


def global_id(kind: str, uuid: UUID) -> strawberry.ID:
    """Return the id of a thing as clients know it."""
    return strawberry.ID(seal(kind, uuid))


@strawberry.interface(description="Anything that `node(id:)` finds again.")
class Node:
    """Ids are global, opaque and safe in addresses."""

    @strawberry.field(description="Global, opaque and safe in addresses.")
    def id(self) -> strawberry.ID:
        return global_id(*self.identity())

    def identity(self) -> tuple[str, UUID]:
        """Return the name of the type and the thing's own id."""
        raise NotImplementedError(f"{type(self).__name__} has no identity")


@strawberry.type(description="What lies on both sides of a page.")
class PageInfo:
    """Each side is looked at only when it is asked for."""

    page: strawberry.Private[Page[object]]

    @strawberry.field(description="Whether there is more behind `endCursor`.")
    async def has_next_page(self) -> bool:
        return await self.page.has_next()

    @strawberry.field(description="Whether there is more before `startCursor`.")
    async def has_previous_page(self) -> bool:
        return await self.page.has_previous()

    @strawberry.field(description="Of the first row: send it as `before`. Null on an empty page.")
    def start_cursor(self) -> str | None:
        return self.page.start_cursor

    @strawberry.field(description="Of the last row: send it as `after`. Null on an empty page.")
    def end_cursor(self) -> str | None:
        return self.page.end_cursor


@strawberry.type(description="A row of a list with its place in it.")
class Edge(Generic[T]):
    """Named after its node: ``ProductEdge``."""

    of: strawberry.Private[T]
    tell_cursor: strawberry.Private[Callable[[], str]]

    @strawberry.field(description="Send it as `after` or `before`. Opaque.")
    def cursor(self) -> str:
        return self.tell_cursor()

    @strawberry.field(description="The row.")
    def node(self) -> T:
        return self.of


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """Named after its node: ``ProductConnection``."""

    page: strawberry.Private[Page[object]]
    edges: list[Edge[T]] = strawberry.field(description="The rows, each with its cursor.")

    @strawberry.field(description="The rows without their cursors.")
    def nodes(self) -> list[T]:
        return [edge.of for edge in self.edges]

    @strawberry.field(description="What lies on both sides of this page.")
    def page_info(self) -> PageInfo:
        return PageInfo(page=self.page)

    @strawberry.field(
        description="The length of the whole list; counted only when selected.",
        directives=[Cost(weight=10)],
    )
    async def total_count(self) -> int:
        return await self.page.count()


def connect(page: Page[V], wrap: Callable[[V], T]) -> Connection[T]:
    """Return a page as a connection of wrapped rows."""
    return Connection(
        page=page,  # type: ignore[arg-type]
        edges=[Edge(of=wrap(row), tell_cursor=partial(page.cursor_of, row)) for row in page.rows],
    )


def page_request(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> PageRequest:
    """Return the four arguments of a connection as one value."""
    return PageRequest(first=first, after=after, last=last, before=before)
