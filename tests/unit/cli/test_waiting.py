"""What sockets wait with does what asyncio's own does."""

import asyncio

import pytest

from headless_presale.cli.waiting import Gate, Letterbox

Gates = type[Gate] | type[asyncio.Event]
Letterboxes = type[Letterbox[int]] | type[asyncio.Queue[int]]


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", [Gate, asyncio.Event])
async def test_a_gate_lets_through_while_it_is_open(kind: Gates) -> None:
    gate = kind()
    passed: list[int] = []

    async def go(number: int) -> None:
        await gate.wait()
        passed.append(number)

    waiting = [asyncio.create_task(go(number)) for number in range(3)]
    await _settle()
    waiting[1].cancel()
    await _settle()
    assert (passed, gate.is_set()) == ([], False)
    # Open for a moment: who has waited comes through although it is closed again
    gate.set()
    gate.clear()
    await _settle()
    assert (passed, gate.is_set()) == ([0, 2], False)
    late = asyncio.create_task(go(3))
    await _settle()
    assert passed == [0, 2]
    gate.set()
    await late
    await go(4)
    assert passed == [0, 2, 3, 4]


@pytest.mark.parametrize("kind", [Letterbox, asyncio.Queue])
async def test_letters_are_read_in_order_and_none_is_lost(kind: Letterboxes) -> None:
    box = kind()
    assert box.empty()
    for letter in (1, 2):
        box.put_nowait(letter)
    assert [await box.get(), box.empty(), await box.get(), box.empty()] == [1, False, 2, True]
    # Read before it is there
    reading = asyncio.create_task(box.get())
    await _settle()
    box.put_nowait(3)
    box.put_nowait(4)
    assert (await reading, await box.get()) == (3, 4)
    # A reader who is cancelled, also when the letter is there already, leaves it for the next
    for comes_first in (False, True):
        reading = asyncio.create_task(box.get())
        await _settle()
        if comes_first:
            box.put_nowait(5)
        reading.cancel()
        await _settle()
        assert reading.cancelled()
        if not comes_first:
            box.put_nowait(5)
        assert await box.get() == 5
        assert box.empty()
