"""HTTP whose requests are bounded, in size and in time."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from headless_presale.kernel import metrics

WHOLE_WITHIN_SECONDS = 60.0
"""A request that is not there in this time, its body included, is not waited for any longer."""
UPLOADED_WITHIN_SECONDS = 360.0
"""More than those wait who take files."""
UPLOADS = "/uploads/"
MOST_BYTES_AROUND = 262_144
"""Of a request without its body: more than the longest query that is read."""
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Bounded(HttpToolsProtocol):
    """HTTP whose clients send so much, and within a time.

    Bodies are bounded by the application. What is around them it never sees: the address, the
    headers and what follows a body are collected until they are whole, however long that takes and
    however much they are.
    """

    most_bytes_around = MOST_BYTES_AROUND
    whole_within_seconds = WHOLE_WITHIN_SECONDS
    _around = 0
    _is_due = False
    _due: asyncio.TimerHandle | None = None
    _idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait(self.whole_within_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is too much."""
        self._around += len(data)
        super().data_received(data)
        # Nearly all that begin are there as a whole by now: no clock is set for those.
        if self._is_due and self._due is None:
            self._wait(self.whole_within_seconds)
        if self._around > self.most_bytes_around and not self.transport.is_closing():
            metrics.CONNECTIONS_CUT_OFF.inc()
            under_way: RequestResponseCycle | None = self.cycle
            if under_way is None or under_way.response_complete:
                self.transport.write(HEAD_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Wait for one that begins."""
        super().on_message_begin()
        self._is_due = True

    def on_headers_complete(self) -> None:
        """Leave files more time: those who take them have a limit of their own."""
        super().on_headers_complete()
        if self.scope.get("path", "").removeprefix(self.root_path).startswith(UPLOADS):
            self._wait(UPLOADED_WITHIN_SECONDS)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, which may have as much around it as it is itself."""
        self._around -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait no more: what takes time now is ours."""
        self._is_whole()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave it to the protocol of sockets."""
        self._is_whole()
        self._forget_keep_alive()
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        """Go on with what has come meanwhile, or wait for a while whether more comes."""
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: the connection has ended."""
        self._is_whole()
        self._forget_keep_alive()
        super().connection_lost(exc)

    def _is_whole(self) -> None:
        self._around = 0
        self._is_due = False
        if self._due is not None:
            self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if seconds is not None:
            self._due = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        self._due = None
        metrics.CONNECTIONS_CUT_OFF.inc()
        self.transport.abort()

    # One clock a connection: to set one at each answer, and to stop it at each request, costs more
    # than to look now and then whether anybody still asks.

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _keep_alive(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._keep_alive(left)
        else:
            self.timeout_keep_alive_handler()

    def _forget_keep_alive(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
