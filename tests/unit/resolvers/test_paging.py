"""Pages and ids: the arithmetic behind every connection, against a list one can count."""

import base64
from collections.abc import Sequence
from uuid import UUID

import pytest

from headless_presale.kernel.errors import InvalidInput
from resolvers.errors import ArgumentInvalid, ServiceUnavailable
from resolvers.global_ids import (
    find_node_id,
    find_uuid,
    read_argument_id,
    read_input_id,
    seal,
    unseal,
)
from resolvers.paging import CursorCodec, Page, PageRequest, paginate

NUMBERS: CursorCodec[int] = CursorCodec("numbers", str, int)
ALL = [2, 3, 5, 7, 11, 13]
SOMEBODY = UUID("1f0c9a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b")


async def ask(request: PageRequest, rows: Sequence[int] = ALL) -> Page[int]:
    async def source(
        *, limit: int, after: int | None, before: int | None, from_end: bool
    ) -> Sequence[int]:
        found = [
            row
            for row in rows
            if (after is None or row > after) and (before is None or row < before)
        ]
        return found[-limit:] if from_end else found[:limit]

    async def count() -> int:
        return len(rows)

    return await paginate(request, source, key=lambda row: row, cursors=NUMBERS, count=count)


def at(position: int | None) -> str | None:
    return None if position is None else NUMBERS.encode(position)


@pytest.mark.parametrize("size", [0, 1, 2, 5, 6, 7])
@pytest.mark.parametrize("from_end", [False, True])
@pytest.mark.parametrize("after", [None, 2, 4, 13])
@pytest.mark.parametrize("before", [None, 2, 8, 13])
async def test_both_directions_tell_the_truth_about_both_sides(
    size: int, from_end: bool, after: int | None, before: int | None
) -> None:
    # Given a window of the list, and the first or last of it
    window = [n for n in ALL if (after is None or n > after) and (before is None or n < before)]
    shown = (
        (window[len(window) - size :] if size < len(window) else window)
        if from_end
        else (window[:size])
    )
    request = PageRequest(
        first=None if from_end else size,
        last=size if from_end else None,
        after=at(after),
        before=at(before),
    )

    # When the page is asked for
    page = await ask(request)

    # Then it holds these rows, and says truly what lies on both sides
    assert list(page.rows) == shown
    if shown:
        behind = any(n > shown[-1] for n in ALL)
        ahead = any(n < shown[0] for n in ALL)
    else:
        # An empty page stands at its bound: `after` going forward, `before` going back.
        behind = (bool(window) and not from_end) or _is_from(before)
        ahead = (bool(window) and from_end) or _is_until(after)
    assert await page.has_next() == behind
    assert await page.has_previous() == ahead
    assert await page.count() == 6


def _is_from(position: int | None) -> bool:
    return position is not None and any(n >= position for n in ALL)


def _is_until(position: int | None) -> bool:
    return position is not None and any(n <= position for n in ALL)


@pytest.mark.parametrize("size", [1, 2, 4])
async def test_walking_forward_and_back_visits_every_row_once(size: int) -> None:
    forward: list[int] = []
    page = await ask(PageRequest(first=size))
    forward += list(page.rows)
    while await page.has_next():
        page = await ask(PageRequest(first=size, after=page.end_cursor))
        forward += list(page.rows)
    assert forward == ALL

    backward = list(page.rows)[::-1]
    while await page.has_previous():
        page = await ask(PageRequest(last=size, before=page.start_cursor))
        backward += list(page.rows)[::-1]
    assert backward == ALL[::-1]


async def test_what_a_page_is_asked_later_is_guarded_as_the_page_was() -> None:
    # Given a page that was read, and an engine that has gone since
    is_away = False

    async def source(
        *, limit: int, after: int | None, before: int | None, from_end: bool
    ) -> Sequence[int]:
        if is_away:
            raise ConnectionResetError("gone")
        return [3, 5]

    async def count() -> int:
        raise ConnectionResetError("gone")

    request = PageRequest(first=2, after=at(2), before=at(7))
    page = await paginate(request, source, key=lambda row: row, cursors=NUMBERS, count=count)
    is_away = True

    # When it is asked for more, then each answer is that of any read
    for asked in (page.has_next, page.has_previous, page.count):
        with pytest.raises(ServiceUnavailable):
            await asked()


async def test_a_list_without_rows() -> None:
    page = await ask(PageRequest(), rows=[])
    assert (page.rows, page.start_cursor, page.end_cursor) == ([], None, None)
    assert not await page.has_next()
    assert not await page.has_previous()


async def test_twenty_rows_when_nothing_is_said_and_the_last_ones_before_a_cursor() -> None:
    many = range(1, 51)
    assert list((await ask(PageRequest(), many)).rows) == list(range(1, 21))
    page = await ask(PageRequest(before=at(31)), many)
    assert list(page.rows) == list(range(11, 31))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (PageRequest(first=-1), "ARGUMENT_INVALID"),
        (PageRequest(first=101), "ARGUMENT_INVALID"),
        (PageRequest(last=101), "ARGUMENT_INVALID"),
        (PageRequest(first=1, last=1), "ARGUMENT_INVALID"),
        (PageRequest(after=""), "CURSOR_INVALID"),
        (PageRequest(after="7"), "CURSOR_INVALID"),
        (PageRequest(after=seal("numbers", "seven")), "CURSOR_INVALID"),
        (PageRequest(before=seal("products", "7")), "CURSOR_INVALID"),
        (PageRequest(before="=" * 10_000), "CURSOR_INVALID"),
    ],
)
async def test_what_is_no_page_is_refused(request_: PageRequest, code: str) -> None:
    with pytest.raises(ArgumentInvalid) as refused:
        await ask(request_)
    assert refused.value.code == code


def test_ids_are_safe_in_addresses_and_come_back() -> None:
    uuid = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    id_ = seal("Campaign", uuid)
    assert id_ == base64.urlsafe_b64encode(f"Campaign:{uuid}".encode()).decode().rstrip("=")
    assert not set(id_) & set("+/=")
    assert find_uuid(id_, "Campaign") == uuid
    assert find_node_id(id_) == ("Campaign", uuid)
    assert read_input_id(id_, "Campaign", ()) == uuid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "\x00",
        "A" * 10_000,
        seal("Shop", SOMEBODY),
        seal("Campaign", "not-a-uuid"),
        seal("Campaign", str(SOMEBODY).upper()),
        seal("Campaign", f"{SOMEBODY} "),
        seal("Campaign", SOMEBODY) + "=",
        "not base64 at all",
        base64.b64encode(b"\xff\xfe:\xfd").decode(),
    ],
)
def test_what_is_no_id_of_this_kind_is_refused(text: str) -> None:
    assert find_uuid(text, "Campaign") is None
    with pytest.raises(ArgumentInvalid, match="no id of the type Campaign") as refused:
        read_argument_id(text, "Campaign")
    assert refused.value.code == "ID_INVALID"
    with pytest.raises(InvalidInput) as invalid:
        read_input_id(text, "Campaign", ("lines", "0", "campaignItemId"))
    assert invalid.value.field == ("lines", "0", "campaignItemId")


def test_one_thing_has_one_id() -> None:
    # Given the last character's spare bits changed: the same bytes in another spelling
    id_ = seal("Shop", UUID(int=1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twins = [id_[:-1] + letter for letter in alphabet if letter != id_[-1]]

    # When they are read, then none of them is that thing
    assert unseal(id_) == ("Shop", str(UUID(int=1)))
    assert [twin for twin in twins if unseal(twin) == unseal(id_)] == []
