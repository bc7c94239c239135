"""What can go wrong before an engine answers."""


class EngineStartFailed(Exception):
    """An embedded engine could not be started or attached to.

    Attributes:
        reason: One sentence a person can act on.
        log_tail: The last lines of the engine's own log; empty where there is none.
    """

    def __init__(self, reason: str, *, log_tail: str = "") -> None:
        super().__init__(f"{reason}\n{log_tail}" if log_tail else reason)
        self.reason = reason
        self.log_tail = log_tail


class EnginesUnsupported(EngineStartFailed):
    """This platform has no embedded binaries, so external engines have to be named."""
