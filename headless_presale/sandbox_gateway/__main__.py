"""``python -m headless_presale.sandbox_gateway``: run the gateway until SIGINT or SIGTERM."""

import sys
from contextlib import suppress

from pydantic import ValidationError

from headless_presale.sandbox_gateway.server import build_server
from headless_presale.sandbox_gateway.settings import GatewaySettings


def main() -> int:
    """Return the exit code: 2 for settings that cannot be used, 3 if it could not start."""
    try:
        settings = GatewaySettings()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            print(f"SANDBOX_GATEWAY_{name}: {problem['msg']}", file=sys.stderr)
        return 2
    server = build_server(settings)
    print(f"Sandbox payment gateway on {settings.base_url} (no real money moves)", flush=True)
    # uvicorn stops in order, then raises the signal again: Ctrl-C needs no traceback.
    with suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main())
