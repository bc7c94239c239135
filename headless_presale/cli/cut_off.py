"""Connections whose client does not read: they end."""

import asyncio

from headless_presale.kernel import metrics

STALLED_SECONDS = 30.0


class CutsOff(asyncio.Protocol):
    """Ends a connection whose client does not read.

    What is sent waits in the transport, 64 KiB of it; then whoever sends waits, for as long as the
    connection stands. Closing it in order waits too, until the client has read everything. So it
    is aborted: a client that reads at all has made room long before.
    """

    stalled_seconds = STALLED_SECONDS
    transport: asyncio.Transport
    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Wait for the client, but not for ever."""
        super().pause_writing()
        if self._stalled is None:
            loop = asyncio.get_running_loop()
            self._stalled = loop.call_later(self.stalled_seconds, self._cut_off)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._forget()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: the connection has ended."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _cut_off(self) -> None:
        self._stalled = None
        metrics.CONNECTIONS_CUT_OFF.inc()
        self.transport.abort()
