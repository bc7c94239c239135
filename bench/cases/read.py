"""What a storefront shows to anybody: a campaign's page and a list of twenty, warm."""

import hashlib
from urllib.parse import urlencode

import orjson

from bench import wrk
from bench.answers import Reading, ask, beside_floor
from bench.defences import PAGE
from bench.report import Row, Target
from bench.run import Run
from bench.sale import open_sale
from bench.servers import FAR_AWAY, Server

LIST = """
query List($shop: String!) {
  shop(slug: $shop) {
    name
    campaigns(first: 20) {
      nodes {
        id handle title status opensAt closesAt capacity slotsLeft
        items { id currentPrice { price { minor currency amount } } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
CAMPAIGNS = 20
HALF = Target(at_least=0.5)
STRANGER = {"X-Forwarded-For": f"{FAR_AWAY}{wrk.ADDRESS}::1"}


async def run(run: Run) -> list[Row]:
    """Measure both by POST, by GET with a hash for the document, and unchanged since."""
    for number in range(CAMPAIGNS):
        await open_sale(f"read-{number}", capacity=1_000)
    api = await run.api()
    readings = []
    for name, document, variables, check in (
        ("campaign-page", PAGE, {"shop": "bench", "handle": "read-7"}, _is_page),
        ("list-of-20", LIST, {"shop": "bench"}, _is_list),
    ):
        asked = {"query": document, "variables": variables}
        post = wrk.Request("POST", "/graphql", STRANGER, orjson.dumps(asked).decode())
        get, unchanged = await _by_hash(api, document, variables)
        readings += [
            Reading(name=f"{name},-POST", requests=[post], check=check, target=HALF),
            Reading(name=f"{name},-GET-by-hash", requests=[get], check=check, target=HALF),
            Reading(name=f"{name},-304", requests=[unchanged], check=_is_empty, target=HALF),
        ]
    return await beside_floor(run, readings)


async def _by_hash(
    api: Server, document: str, variables: dict[str, str]
) -> tuple[wrk.Request, wrk.Request]:
    """Return the request by GET, once the server knows the document, and the one with its tag."""
    digest = hashlib.sha256(document.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    asked = {"query": document, "variables": variables, "extensions": extensions}
    await ask(api, wrk.Request("POST", "/graphql", STRANGER, orjson.dumps(asked).decode()))
    query = urlencode(
        {
            "extensions": orjson.dumps(extensions).decode(),
            "variables": orjson.dumps(variables).decode(),
        }
    )
    get = wrk.Request("GET", f"/graphql?{query}", STRANGER)
    tag = (await ask(api, get)).headers["etag"]
    unchanged = wrk.Request("GET", get.target, {**STRANGER, "If-None-Match": tag})
    answer = await ask(api, unchanged)
    assert answer.status == 304, answer.status
    return get, unchanged


def _is_page(body: bytes) -> None:
    campaign = orjson.loads(body)["data"]["shop"]["campaign"]
    assert campaign["status"] == "LIVE"
    assert campaign["items"][0]["slotsLeft"] == 1_000


def _is_list(body: bytes) -> None:
    nodes = orjson.loads(body)["data"]["shop"]["campaigns"]["nodes"]
    assert len(nodes) == CAMPAIGNS


def _is_empty(body: bytes) -> None:
    assert body == b""
