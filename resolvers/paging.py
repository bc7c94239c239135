"""Keyset pages behind Relay connections: the same arithmetic for every list.

A list is a source that returns the rows behind or before a position. A page asks for one row more
than it shows; whether there is something on the other side is asked only when a client wants to
know.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from tortoise.models import Model
from tortoise.queryset import QuerySet

from resolvers.errors import ArgumentInvalid, reads
from resolvers.global_ids import MAX_LENGTH, seal, unseal

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

T = TypeVar("T")
K = TypeVar("K")
S = TypeVar("S")
M = TypeVar("M", bound=Model)
Row = TypeVar("Row", covariant=True)
Key = TypeVar("Key", contravariant=True)


class Source(Protocol[Row, Key]):
    """A list in its natural order."""

    async def __call__(
        self, *, limit: int, after: Key | None, before: Key | None, from_end: bool
    ) -> Sequence[Row]:
        """Return at most ``limit`` rows strictly between the positions, in natural order.

        With ``from_end`` the last ones, else the first ones.
        """


@dataclass(frozen=True, slots=True)
class CursorCodec(Generic[K]):
    """How one list writes its positions. ``read`` raises ValueError for what it did not write.

    ``longest`` bounds a cursor: more where a position is a text.
    """

    kind: str
    write: Callable[[K], str]
    read: Callable[[str], K]
    longest: int = MAX_LENGTH

    def encode(self, key: K) -> str:
        """Return the cursor of a position."""
        return seal(self.kind, self.write(key))

    def decode(self, cursor: str, argument: str) -> K:
        """Return the position of a cursor.

        Raises:
            ArgumentInvalid: ``CURSOR_INVALID``: it does not come from this list.
        """
        opened = unseal(cursor, longest=self.longest)
        try:
            if opened is None or opened[0] != self.kind:
                raise ValueError(f"not a cursor of {self.kind}")
            return self.read(opened[1])
        except ValueError:
            raise ArgumentInvalid(
                f"'{argument}' is not a cursor of this list.", code="CURSOR_INVALID"
            ) from None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_SERIAL = 2**63 - 1

Moment = tuple[datetime, UUID]
"""A position in a list sorted by a moment: the moment, and the id of the row."""


def keyed_cursors(
    kind: str,
    read_key: Callable[[str], S],
    write_key: Callable[[Any], str] = str,
    *,
    longest: int = MAX_LENGTH,
) -> CursorCodec[tuple[S, UUID]]:
    """Return the cursors of a list that is sorted by a key and then by id.

    Args:
        read_key: raises ValueError for what ``write_key`` did not write.
    """

    def write(position: tuple[S, UUID]) -> str:
        key, id_ = position
        return f"{write_key(key)}/{id_}"

    def read(text: str) -> tuple[S, UUID]:
        # A key may have a slash in it, an id has none.
        key, _, id_ = text.rpartition("/")
        return read_key(key), UUID(id_)

    return CursorCodec(kind, write, read, longest)


def moment_cursors(kind: str) -> CursorCodec[Moment]:
    """Return the cursors of a list that is sorted by a moment and then by id."""
    return keyed_cursors(kind, _read_micros, _write_micros)


def _write_micros(at: datetime) -> str:
    return str((at - _EPOCH) // _MICROSECOND)


def _read_micros(text: str) -> datetime:
    try:
        return _EPOCH + int(text) * _MICROSECOND
    except OverflowError as error:
        raise ValueError("a moment out of range") from error


def read_iso_moment(text: str) -> datetime:
    """Return a moment that ``datetime.isoformat`` wrote, with its offset; else raise ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or at.isoformat() != text:
        raise ValueError("not a moment")
    return at


def serial_cursors(kind: str) -> CursorCodec[int]:
    """Return the cursors of a list in the order of ids that the database counts up."""
    return CursorCodec(kind, str, _read_serial)


def _read_serial(text: str) -> int:
    serial = int(text)
    if not 0 <= serial <= _MAX_SERIAL:
        raise ValueError("not an id")
    return serial


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``first`` rows ``after`` a cursor, or ``last`` rows ``before`` one; both cursors bound."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def size(self) -> tuple[int, bool]:
        """Return how many rows are wanted, and whether from the end.

        Raises:
            ArgumentInvalid: both ends at once, or a size out of range.
        """
        if self.first is not None and self.last is not None:
            raise ArgumentInvalid("Give 'first' or 'last', not both.")
        # `before` alone means: the page that ends there.
        from_end = self.last is not None or (
            self.first is None and self.before is not None and self.after is None
        )
        size = self.last if self.last is not None else self.first
        if size is None:
            size = DEFAULT_PAGE_SIZE
        if not 0 <= size <= MAX_PAGE_SIZE:
            name = "last" if self.last is not None else "first"
            raise ArgumentInvalid(f"'{name}' must be within 0 and {MAX_PAGE_SIZE}.")
        return size, from_end


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows, their cursors, and what lies on both sides of them.

    Attributes:
        cursor_of: the cursor of one of the rows, made when it is asked for.
    """

    rows: Sequence[T]
    cursor_of: Callable[[T], str]
    has_next: Callable[[], Awaitable[bool]]
    has_previous: Callable[[], Awaitable[bool]]
    count: Callable[[], Awaitable[int]]

    @property
    def start_cursor(self) -> str | None:
        return self.cursor_of(self.rows[0]) if self.rows else None

    @property
    def end_cursor(self) -> str | None:
        return self.cursor_of(self.rows[-1]) if self.rows else None


async def paginate(
    request: PageRequest,
    source: Source[T, K],
    *,
    key: Callable[[T], K],
    cursors: CursorCodec[K],
    count: Callable[[], Awaitable[int]],
) -> Page[T]:
    """Return one page of a list.

    Raises:
        ArgumentInvalid: a size out of range, or a cursor of something else.
    """
    size, from_end = request.size()
    after = cursors.decode(request.after, "after") if request.after is not None else None
    before = cursors.decode(request.before, "before") if request.before is not None else None
    found = await source(limit=size + 1, after=after, before=before, from_end=from_end)
    is_cut = len(found) > size
    rows = (found[len(found) - size :] if from_end else found[:size]) if is_cut else found

    # These are asked when the page has long been answered, so each is guarded by itself.
    @reads
    async def has_next() -> bool:
        if not from_end and is_cut:
            return True
        if before is None:
            return False
        if rows:
            return bool(await source(limit=1, after=key(rows[-1]), before=None, from_end=False))
        # An empty page stands right before `before`: is the list's last row behind that?
        within = await source(limit=1, after=None, before=before, from_end=True)
        return await _reaches_beyond(source, within, key, from_end=True)

    @reads
    async def has_previous() -> bool:
        if from_end and is_cut:
            return True
        if after is None:
            return False
        if rows:
            return bool(await source(limit=1, after=None, before=key(rows[0]), from_end=True))
        within = await source(limit=1, after=after, before=None, from_end=False)
        return await _reaches_beyond(source, within, key, from_end=False)

    @reads
    async def counted() -> int:
        return await count()

    return Page(
        rows=rows,
        cursor_of=lambda row: cursors.encode(key(row)),
        has_next=has_next,
        has_previous=has_previous,
        count=counted,
    )


async def _reaches_beyond(
    source: Source[T, K], within: Sequence[T], key: Callable[[T], K], *, from_end: bool
) -> bool:
    """Tell whether the outermost row of the whole list is another one than ``within`` has."""
    outermost = await source(limit=1, after=None, before=None, from_end=from_end)
    return bool(outermost) and [key(row) for row in outermost] != [key(row) for row in within]


async def page_by_id(
    rows: QuerySet[M],
    request: PageRequest,
    *,
    cursors: CursorCodec[Any],
    newest_first: bool = True,
) -> Page[M]:
    """Return a page of rows in the order of their ids, which is that of their making.

    Args:
        rows: the list, filtered and not ordered.
        cursors: of the list; its positions are ids.
    """
    ahead, behind = ("lt", "gt") if newest_first else ("gt", "lt")
    order, reverse = ("-id", "id") if newest_first else ("id", "-id")

    async def source(
        *, limit: int, after: Any | None, before: Any | None, from_end: bool
    ) -> Sequence[M]:
        query = rows
        if after is not None:
            query = query.filter(**{f"id__{ahead}": after})
        if before is not None:
            query = query.filter(**{f"id__{behind}": before})
        found = await query.order_by(reverse if from_end else order).limit(limit)
        return found[::-1] if from_end else found

    return await paginate(
        request, source, key=lambda row: row.pk, cursors=cursors, count=rows.count
    )
