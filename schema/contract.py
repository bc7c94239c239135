"""The schema: everything above, put together once."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.messages import MESSAGES
from schema.campaigns import CampaignItemType, CampaignType
from schema.catalog import ProductType, VariantType
from schema.described import describe_payloads, describe_values
from schema.errors import USER_ERRORS
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.shops import ShopType
from schema.subscription import Subscription

NODES = (ShopType, ProductType, VariantType, CampaignType, CampaignItemType)

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*NODES, *USER_ERRORS],
    config=StrawberryConfig(scalar_map=SCALARS),
)
describe_payloads(schema._schema)
describe_values(schema._schema, "ErrorCode", {c: m["en"] for c, m in MESSAGES.items()})


def schema_text() -> str:
    """Return the schema as ``schema/schema.graphql`` holds it."""
    return schema.as_str().rstrip() + "\n"
