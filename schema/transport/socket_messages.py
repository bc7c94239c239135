"""What clients say on a socket, checked before it is used, and the codes that close one."""

from collections.abc import Mapping
from typing import Any

import orjson

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
SUBPROTOCOL_NOT_ACCEPTABLE = 4406
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_INITS = 4429
INTERNAL_ERROR = 4500
MESSAGE_TOO_BIG = 1009


class ProtocolBroken(Exception):
    """The client broke the protocol: the socket closes with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def decode(frame: Mapping[str, Any], *, max_bytes: int) -> dict[str, Any]:
    """Return the message of a frame: an object with a type."""
    text = frame.get("text")
    if not isinstance(text, str):
        raise ProtocolBroken(BAD_REQUEST, "Only text frames are understood")
    if len(text) > max_bytes:
        raise ProtocolBroken(MESSAGE_TOO_BIG, "Message too big")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ProtocolBroken(BAD_REQUEST, "The message is not valid JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolBroken(BAD_REQUEST, "The message has to be an object with a type")
    return message


def object_payload(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of a message; an empty one where it has none."""
    payload = message.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise ProtocolBroken(BAD_REQUEST, "The payload has to be an object")
    return payload


def operation_id_of(message: Mapping[str, Any]) -> str:
    """Return the id that a message is about."""
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not operation_id:
        raise ProtocolBroken(BAD_REQUEST, "The id has to be a non-empty string")
    return operation_id
