"""The cases of one seed, requests and frames as chance has it."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphql import GraphQLSchema

from tests.hostile.cases import Case
from tests.hostile.documents import Documents
from tests.hostile.frames import SocketCases
from tests.hostile.requests import HttpCases
from tests.hostile.values import Values

SOCKETS = 0.3
"""The share of the cases that come over a socket."""


class Hostile:
    """Draws the cases of a seed.

    Args:
        known_ids: global ids of what there is.
        token: returns a merchant's access token that is valid now.
    """

    def __init__(
        self,
        seed: int,
        *,
        schema: GraphQLSchema,
        known_ids: Sequence[str],
        token: Callable[[], str],
    ) -> None:
        self.chance = random.Random(seed)
        values = Values(self.chance, known_ids)
        documents = Documents(schema, values)
        self.requests = HttpCases(self.chance, values, documents, token)
        self.frames = SocketCases(self.chance, values, documents)

    def cases(self, count: int) -> Iterator[Case]:
        """Yield so many cases."""
        for _ in range(count):
            is_socket = self.chance.random() < SOCKETS
            choices: Any = self.frames.weighted if is_socket else self.requests.weighted
            draw, _ = self.chance.choices(choices, [weight for _, weight in choices])[0]
            yield draw()
