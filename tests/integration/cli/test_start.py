"""What the start of an API process loads: what it serves with, and not what it may need one day.

Each of these takes a start milliseconds and a process memory, and whoever imports one at the top of
a module brings it back for all. They are counted by name, because times depend on the machine.
"""

import subprocess
import sys
from collections.abc import Mapping

LATER = {
    "procrastinate": "the worker's queue; jobs are asked for by SQL",
    "psycopg": "procrastinate's connections",
    "webauthn": "passkeys",
    "PIL": "pictures that are uploaded",
    "aiosmtplib": "mails, which a worker sends",
    "authlib.integrations.base_client": "OpenID Connect providers, where there are any",
    "httpcore": "webhooks, which a worker sends; WeChat",
    "httpx": "providers, the sandbox gateway and challenges, where there are any",
    "jinja2": "mails and pages",
    "rich": "what commands print; nor does structlog need it",
    "segno": "the picture of a second factor",
    "yaml": "files of campaigns",
    "headless_presale.cli.typed": "the commands that people type",
    "headless_presale.demo": "the demo shop",
    "headless_presale.engines": "the embedded engines, where the environment names others",
    "headless_presale.sandbox_gateway": "a process of its own",
    "headless_presale.worker": "a process of its own",
}
"""Modules, and who needs them."""

START = """
import sys
from headless_presale.cli.server import Server

async def startup(self, sockets=None, begin=Server.startup):
    await begin(self, sockets)
    print(*sorted(sys.modules))
    self.should_exit = True

Server.startup = startup
sys.argv = ["headless-presale", "serve", "--port", "0"]

from headless_presale.cli import main
main()
"""


def test_a_server_starts_without_what_it_does_not_serve_with(
    environment: Mapping[str, str],
) -> None:
    # When an API process has started as it does for everybody
    ended = subprocess.run(
        [sys.executable, "-c", START],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    # Then it is whole, and nothing else is there
    loaded = set(ended.stdout.split())
    assert {"schema.asgi", "headless_presale.checkout", "uvicorn"} <= loaded, ended.stderr
    assert {name: why for name, why in LATER.items() if name in loaded} == {}
