"""The parameters of OAuth requests: each once, printable, and none that is empty."""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

MAX_FIELDS = 40
MAX_VALUE_LENGTH = 4_096
"""An access token may be as long: it is what revocation and introspection are sent."""
FORM = "application/x-www-form-urlencoded"


class ParametersInvalid(Exception):
    """What was sent cannot be read as parameters of OAuth.

    Attributes:
        error: the code of the answer.
        description: what is wrong, in the characters that RFC 6749 lets a description have.
    """

    def __init__(self, description: str, *, error: str = "invalid_request") -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters by name, and the resources, of which there may be several (RFC 8707)."""

    values: Mapping[str, str]
    resources: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        """Return a parameter, or None."""
        return self.values.get(name)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the token endpoint, or to one of those beside it.

    Attributes:
        authorization: a Basic header as it came; None where there is none.
    """

    parameters: Parameters
    authorization: str | None = None

    @property
    def client_id(self) -> str | None:
        """Who asks, as far as he says so."""
        if self.authorization is not None:
            return _basic_credentials(self.authorization)[0]
        return self.parameters.get("client_id")


def read_parameters(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Return parameters; one without a value counts as left out (RFC 6749, 3.1).

    Raises:
        ParametersInvalid: one comes twice, or holds what no parameter of ours has.
    """
    values: dict[str, str] = {}
    resources: list[str] = []
    for name, value in pairs:
        if not value:
            continue
        if len(value) > MAX_VALUE_LENGTH or not value.isascii() or not value.isprintable():
            raise ParametersInvalid("A parameter is too long, or is not printable ASCII.")
        if name == "resource":
            resources.append(value)
        elif name in values:
            raise ParametersInvalid("A parameter was sent twice.")
        else:
            values[name] = value
    return Parameters(values, tuple(resources))


def read_token_request(
    body: bytes, *, content_type: str, authorization: str | None
) -> TokenRequest:
    """Return a request with a form as its body; what stands in the address does not count.

    Raises:
        ParametersInvalid: it is no such form, or names its client in two ways.
    """
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise ParametersInvalid(f"The body has to be {FORM}.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise ParametersInvalid("The body cannot be read as a form.") from error
    parameters = read_parameters(pairs)
    if authorization is not None and authorization.partition(" ")[0].lower() != "basic":
        raise ParametersInvalid("A client authenticates by Basic or in the body.")
    request = TokenRequest(parameters, authorization)
    if authorization is not None:
        named = parameters.get("client_id")
        if parameters.get("client_secret") is not None or named not in (None, request.client_id):
            raise ParametersInvalid("The client authenticates in two ways at once.")
    return request


def _basic_credentials(header: str) -> tuple[str, str]:
    """Return a client's id and secret (RFC 6749, 2.3.1: both are form-encoded).

    Raises:
        ParametersInvalid: the header cannot be read.
    """
    try:
        text = b64decode(header.partition(" ")[2].strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise ParametersInvalid(
            "The Authorization header cannot be read.", error="invalid_client"
        ) from error
    client_id, colon, secret = text.partition(":")
    if not colon or not text.isprintable():
        raise ParametersInvalid("The Authorization header cannot be read.", error="invalid_client")
    return unquote_plus(client_id), unquote_plus(secret)
