"""What is made to be dear is turned down for little work, the same however busy the machine is."""

from functools import partial

import pytest

from bench.hostile import DOCUMENTS, doubling, fragment_bomb
from schema.contract import schema
from schema.transport import DocumentLimits
from schema.transport.documents import DocumentCache
from schema.transport.errors import DocumentRefused
from tests.support.effort import count_calls

MOST_CALLS = 200_000
"""Fifty milliseconds of one core are some 500,000 calls of functions: measured 10 million a second.
The dearest document here, of 400 variables, takes 120,000; the bombs and floods less than that."""

ANSWERED = {"190 inline fragments deep"}
"""Harmless after all."""


def turn_down(text: str) -> None:
    """Prepare a document that is to be refused."""
    cache = DocumentCache(schema._schema, DocumentLimits(), is_discoverable=False)
    with pytest.raises(DocumentRefused):
        cache.get(text)


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Have what is read once, of the schema, been read."""
    turn_down("{ nothing }")


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - ANSWERED))
def test_it_is_refused_for_little_work(name: str) -> None:
    assert count_calls(partial(turn_down, DOCUMENTS[name])) < MOST_CALLS


@pytest.mark.parametrize("bomb", [doubling, fragment_bomb])
def test_a_bomb_costs_by_its_length_and_not_by_what_it_expands_to(bomb: object) -> None:
    assert callable(bomb)
    effort = {levels: count_calls(partial(turn_down, bomb(levels))) for levels in (10, 20, 40)}

    # 2**10, 2**20 and 2**40 fields; twice as long is twice the work, beside what is always done.
    assert effort[20] < 2.2 * effort[10]
    assert effort[40] < 2.2 * effort[20]
