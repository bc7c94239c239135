"""The transport's own metrics, beside those of the application."""

from prometheus_client import Counter, Gauge

TIMEOUTS = Counter(
    "presale_graphql_timeouts_total",
    "Operations, and events of subscriptions, that were given up after their time.",
    ["operation"],
)
PERSISTED_QUERIES = Counter(
    "presale_graphql_persisted_queries_total",
    "Documents named by their hash: known here, known to the other processes, not known, or a "
    "hash of something else.",
    ["outcome"],
)
SHARED_ANSWERS = Counter(
    "presale_graphql_answers_total",
    "Anonymous queries: answers made for one, made for another who asked the same at that moment, "
    "or kept from the last second.",
    ["source"],
)
SUBSCRIPTIONS = Gauge("presale_live_subscribers", "Open subscriptions.")
