"""Settings of the gateway process, read from the environment."""

import base64
import binascii
from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_SECRET_BYTES = 16


def decode_webhook_secret(secret: str) -> bytes:
    """Return the key bytes of a Standard Webhooks secret, ``whsec_<base64>``.

    Raises:
        ValueError: The prefix is missing, the rest is not base64, or the key is too short.
    """
    encoded = secret.removeprefix("whsec_")
    if encoded == secret:
        raise ValueError("a webhook secret starts with whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret is base64 after whsec_") from None
    if len(key) < MIN_SECRET_BYTES:
        raise ValueError(f"a webhook secret holds at least {MIN_SECRET_BYTES} bytes")
    return key


class GatewaySettings(BaseSettings):
    """Everything the operator of the sandbox can set; prefix ``SANDBOX_GATEWAY_``."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_GATEWAY_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8001, ge=0, le=65_535)
    public_url: HttpUrl | None = None
    """Base of the hosted pages as a buyer's browser reaches it; ``http://host:port`` when unset."""
    data_file: Path = Path(".data/sandbox-gateway.sqlite3")
    api_key: SecretStr = Field(min_length=8)

    webhook_url: HttpUrl | None = None
    """Where events are posted. Unset: events are only listed at ``/v1/events``."""
    webhook_secret: SecretStr | None = None
    """Standard Webhooks secret, ``whsec_<base64>``; required with ``webhook_url``."""
    webhook_timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    retry_base_seconds: float = Field(default=1.0, gt=0, le=3_600)
    """Wait before the second attempt; doubles with each further one, with jitter."""
    retry_attempts: int = Field(default=8, ge=1, le=30)
    """Attempts in all before a delivery is given up."""

    max_body_bytes: int = Field(default=65_536, ge=1_024)
    outage_timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    """How long a request caught by the outage mode ``timeout`` is left without an answer."""
    shutdown_seconds: int = Field(default=3, ge=1, le=60)

    @field_validator("webhook_secret")
    @classmethod
    def _check_webhook_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            decode_webhook_secret(secret.get_secret_value())
        return secret

    @model_validator(mode="after")
    def _check_webhooks_are_signed(self) -> Self:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("webhook_url needs a webhook_secret")
        return self

    @property
    def base_url(self) -> str:
        """Public address without a trailing slash."""
        if self.public_url is not None:
            return str(self.public_url).rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"
