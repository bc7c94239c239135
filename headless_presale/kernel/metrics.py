"""The metrics every context shares; `/metrics` prints them in the Prometheus format."""

from prometheus_client import Counter, Gauge, Histogram

HTTP_REQUESTS = Counter(
    "presale_http_requests_total", "HTTP requests.", ["method", "route", "status"]
)
HTTP_SECONDS = Histogram(
    "presale_http_request_seconds",
    "Time to answer an HTTP request.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
REQUESTS_REFUSED = Counter(
    "presale_requests_refused_total",
    "Requests refused: the door full, the rate too high, too many sockets, a page of no shop's.",
    ["reason"],
)
SOCKETS_OPEN = Gauge("presale_sockets_open", "Open sockets and event streams.", ["kind"])
CONNECTIONS_CUT_OFF = Counter(
    "presale_connections_cut_off_total",
    "Connections ended because their client did not read, or sent too slowly or too much.",
)
CHALLENGES = Counter(
    "presale_challenges_total", "Proofs asked of callers who may be robots.", ["outcome"]
)
REQUESTS_IN_FLIGHT = Gauge(
    "presale_requests_in_flight", "Requests being worked on, commands of vanished clients included."
)
DATABASE_FAILURES = Counter(
    "presale_database_failures_total", "Transactions and reads that PostgreSQL let down."
)
REDIS_FAILURES = Counter("presale_redis_failures_total", "Calls to Redis that failed.")
ORDERS_PLACED = Counter("presale_orders_placed_total", "Orders placed.")
ORDERS_TOGETHER = Histogram(
    "presale_orders_together",
    "Orders that one transaction wrote, where several had come at the same time.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
ORDERS_REFUSED = Counter("presale_orders_refused_total", "Order attempts refused.", ["code"])
SLOT_CONFLICTS = Counter(
    "presale_slot_conflicts_total", "Numbers that Redis gave out and the database refused."
)
SLOT_FALLBACKS = Counter(
    "presale_slot_fallbacks_total", "Claims that took their numbers from the database."
)
SLOT_DRIFT = Counter(
    "presale_slot_drift_total", "Numbers on which Redis and the database differed.", ["kind"]
)
PAYMENT_EVENTS = Counter(
    "presale_payment_events_total", "Gateway events by what they did.", ["gateway", "outcome"]
)
GATEWAY_FAILURES = Counter(
    "presale_gateway_failures_total",
    "Calls to a payment gateway that it refused or left unanswered.",
    ["gateway", "operation"],
)
FUNNEL_STEPS_DROPPED = Counter(
    "presale_funnel_steps_dropped_total",
    "Steps of visitors that were not counted: the database was away, or they were too many.",
)
JOBS_WAITING = Gauge("presale_jobs_waiting", "Jobs that are due and not begun; NaN: not known.")
OLDEST_DUE_JOB_SECONDS = Gauge(
    "presale_oldest_due_job_seconds",
    "How long the oldest of them has been due; NaN: not known.",
)
