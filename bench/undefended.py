"""``python -m bench.undefended``: the API without some of its defences, to see what they cost.

Nothing of the product can switch them off; here they are taken out of it, piece by piece. For that
every request goes through the middleware, also with all of the defences: on the fast path there is
nothing to take out.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette

from headless_presale.cli.http import DoorProtocol
from headless_presale.cli.server import run_server, server_config
from headless_presale.cross_origin import CrossOrigin
from headless_presale.kernel.logs import configure_logs
from headless_presale.middleware import SecurityHeaders
from headless_presale.overload import Admission
from headless_presale.proxies import TrustedProxies
from headless_presale.rate_limits import RateLimits
from headless_presale.settings import get_settings
from headless_presale.sockets import SocketLimit
from schema.asgi import create
from schema.transport.documents import PreparedDocument
from schema.transport.execution import Engine


class ThroughMiddleware(DoorProtocol):
    """The product's server without its fast path."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._fast = None


MIDDLEWARE: Mapping[str, type] = {
    "security headers": SecurityHeaders,
    "origins": CrossOrigin,
    "door": Admission,
    "limit of requests": RateLimits,
    "limit of sockets": SocketLimit,
    "trusted proxies": TrustedProxies,
}


def _without_timeout() -> None:
    async def await_it(engine: Engine, awaitable: Awaitable[Any], executor: object) -> Any:
        return await awaitable

    Engine._in_time = await_it  # type: ignore[method-assign,assignment]


def _without_limits_of_mutations() -> None:
    wrapped: Any = Engine.__init__

    def begin(engine: Engine, *arguments: Any, **options: Any) -> None:
        wrapped(engine, *arguments, **{**options, "on_mutation": None})

    Engine.__init__ = begin  # type: ignore[method-assign,assignment]


def _without_cost() -> None:
    def nothing(document: PreparedDocument, *arguments: object) -> int:
        return 0

    PreparedDocument.cost_of = nothing  # type: ignore[method-assign,assignment]


PATCHES: Mapping[str, Callable[[], None]] = {
    "timeout": _without_timeout,
    "limits of mutations": _without_limits_of_mutations,
    "cost of documents": _without_cost,
}
DEFENCES = (*MIDDLEWARE, *PATCHES)


def main() -> None:
    """Serve the API on a port of this machine."""
    parser = argparse.ArgumentParser(prog="python -m bench.undefended", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--without", action="append", default=[], choices=DEFENCES)
    arguments = parser.parse_args()
    configure_logs(log_format="json", level="WARNING")
    config = server_config(
        _application(arguments.without),
        http=ThroughMiddleware,
        host="127.0.0.1",
        port=arguments.port,
    )
    run_server(config)


def _application(without: list[str]) -> Starlette:
    for name in without:
        if name in PATCHES:
            PATCHES[name]()
    application = create(get_settings())
    gone: set[object] = {MIDDLEWARE[name] for name in without if name in MIDDLEWARE}
    kept = [each for each in application.user_middleware if each.cls not in gone]
    # A defence that has moved elsewhere would otherwise be measured as free.
    assert len(kept) == len(application.user_middleware) - len(gone)
    application.user_middleware = kept
    return application


if __name__ == "__main__":
    main()
