"""Whether a document that a shop wants to register could be answered at all."""

from headless_presale.settings import get_settings
from schema.contract import schema
from schema.transport import DocumentLimits
from schema.transport.documents import DocumentCache
from schema.transport.errors import DocumentRefused


def faults_of(text: str) -> list[str]:
    """Return why a document would be refused, whoever sends it; empty where it would not."""
    limits = DocumentLimits(cost=get_settings().highest_cost_limit)
    try:
        DocumentCache(schema._schema, limits).get(text)
    except DocumentRefused as refused:
        return [error.message for error in refused.errors]
    return []
