"""What a server's start has made is no garbage, and is not looked through for any."""

import asyncio
import sys

SCRIPT = """
import gc
from headless_presale.cli.server import Server, server_config

async def app(scope, receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})

class Once(Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(gc.get_freeze_count())
        self.should_exit = True

Once(server_config(app, port=0)).run()
"""


async def test_what_the_start_has_made_is_set_aside() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()

    assert process.returncode == 0
    assert int(said) > 10_000
