"""The ways the gateway says no. Each has a stable code; none changes anything."""

from typing import Any


class GatewayError(Exception):
    """A refused request: what the client is told, and under which HTTP status."""

    def __init__(self, status: int, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    def body(self) -> dict[str, Any]:
        """Return ``{"error": {"code", "message", "field"}}``; ``field`` may be null."""
        return {"error": {"code": self.code, "message": self.message, "field": self.field}}


def not_found(kind: str, id_: str, *, field: str | None = None) -> GatewayError:
    return GatewayError(404, "not_found", f"There is no {kind} {id_[:64]!r}.", field=field)


def conflict(code: str, message: str, *, field: str | None = None) -> GatewayError:
    return GatewayError(409, code, message, field=field)
