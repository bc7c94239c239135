"""Sandbox payment gateway: a small payment provider to rehearse against.

It runs as its own process with its own durable file, knows nothing of the shop, and is
reached as any provider is: an HTTP API with idempotency keys, a hosted payment page, and
signed webhooks that are retried, arrive late, twice or out of order when told to. No real
money moves.

Start it with ``python -m headless_presale.sandbox_gateway``; every setting is an environment
variable with the prefix ``SANDBOX_GATEWAY_`` (see ``settings``). The application itself is
``create_gateway`` in ``app``, the server that can also drop connections is in ``server``.

What it keeps its word on: one process may own a data file at a time; a change and the webhook
it causes are one SQLite transaction, so neither exists without the other, also after
``kill -9``; deliveries are at least once, never exactly once.

What a real gateway has and this one leaves out: card and wallet data of any kind, 3-D Secure
and other challenges, authorisation apart from capture, partial or multiple captures, disputes
and chargebacks, fees, payouts and balances, currency conversion, customers and saved payment
methods, several merchant accounts or API keys, key rotation, several webhook endpoints,
event filters, rate limits, TLS (put a proxy before it), and any protection of the card
holder: whoever knows a page's address may pay.
"""
