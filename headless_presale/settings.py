"""Settings: read once from the environment, validated, passed on explicitly."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from headless_presale.kernel.secret_files import SecretFiles
from headless_presale.proxies import Network, parse_networks

SECRET_ADDRESSES = frozenset({"database_url", "redis_url"})
"""Settings that are no secret as a whole, and may hold one."""

ESCAPED = "in a password, write / as %2F, ? as %3F, # as %23 and @ as %40"


def _can_be_read(address: str, schemes: tuple[str, ...]) -> bool:
    """Tell whether a password in an address is nothing but a password.

    Half of one with a stroke in it would be taken for a port or a path, which errors name.
    """
    try:
        parts = urlsplit(address)
        is_whole = parts.port is None or bool(parts.hostname)
    except ValueError:
        return False
    beyond = parts.path + parts.query + parts.fragment
    return is_whole and parts.scheme in schemes and "@" not in beyond


class Settings(BaseSettings):
    """Everything an operator can set.

    ``DATABASE_URL``, ``REDIS_URL`` and ``PORT`` are read as they are, the rest with the
    prefix ``PRESALE_``. Unset engines mean the embedded ones under ``data_dir``. What is secret,
    and the engines' addresses, may lie in a file instead: ``PRESALE_SECRET_KEY_FILE``,
    ``DATABASE_URL_FILE`` and so on name it.
    """

    model_config = SettingsConfigDict(
        env_prefix="PRESALE_", extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")
    mode: Literal["development", "production"] = "development"
    """In ``production`` the API has no editor, answers no introspection and suggests no names in
    its messages; the schema is read at ``/schema.graphql``."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65_534, validation_alias="PORT")
    public_url: str | None = None
    """Address that buyers and gateways reach us at; ``http://host:port`` when unset."""
    data_dir: Path = Path(".data")

    secret_key: SecretStr | None = None
    """Signs guest order tokens and mailed links, seals second factors. Unset: a random one is kept
    in ``data_dir/secret_key``."""

    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    worker_niceness: int | None = Field(default=None, ge=0, le=19)
    """How much a worker gives way to others on its machine: 0 not at all, 19 as much as can be.
    Unset: 5 under ``run``, else 0."""
    database_pool_size: int = Field(default=20, ge=2, le=200)
    statement_timeout_ms: int = Field(default=5_000, ge=100)
    redis_timeout_seconds: float = Field(default=0.25, gt=0)
    max_body_bytes: int = Field(default=100_000, ge=1_000)
    answer_memory_bytes: int = Field(default=16_000_000, ge=0)
    """Memory of one API process for answers that are the same for everybody, which it keeps for a
    second at most. 0: it keeps none, and makes each anew."""
    max_in_flight: int = Field(default=96, ge=0)
    """Requests that one API process works on at once; one more is refused at the door with 503
    and ``Retry-After``. 0: none is refused, and under overload all of them wait ever longer."""

    max_sockets_per_client: int = Field(default=200, ge=0)
    """Sockets and event streams that one address, and one grant, may hold open in one process; one
    more is closed with 4429, or answered 429. This machine itself may hold any number. 0: so may
    everybody."""

    keep_alive_seconds: float = Field(default=75.0, gt=0, le=3_600)
    """How long a connection stays open after an answer, for the next request. Longer than the proxy
    in front keeps its own: else it sends a request over one that is just being closed, and answers
    502. nginx and AWS keep theirs 60 seconds, Google 600."""

    operation_timeout_seconds: float = Field(default=10.0, gt=0, le=600)
    """How long a GraphQL operation may take, and each event of a subscription; then it is answered
    503 ``TIMEOUT``. A command it has begun goes on to its end."""

    trusted_proxies: str = ""
    """Addresses and networks of proxies in front, separated by commas: ``10.0.0.0/8, ::1``. Their
    ``X-Forwarded-For`` and ``X-Forwarded-Proto`` count, nobody else's do. Unset: nobody's."""

    rate_limit_requests: int = Field(default=3_000, ge=0)
    """Requests that one caller, a grant or an address, may send to ``/graphql`` in a minute; one
    more is answered 429. This machine itself may send any number. 0: so may everybody."""

    rate_limit_placements: int = Field(default=600, ge=0)
    """Orders that one caller may ask to place in a minute. A signed-in customer has a tenth of this
    and of those that follow, beside what his address has. 0: any number."""
    rate_limit_payments: int = Field(default=600, ge=0)
    """Payments that he may start, and orders that he may cancel."""
    rate_limit_codes: int = Field(default=300, ge=0)
    """Codes and notices he may have mailed, beside the pauses that each mailbox and address has."""
    rate_limit_logins: int = Field(default=600, ge=0)
    """Codes and tokens that he may try to sign in with."""
    rate_limit_mails: int = Field(default=60, ge=0)
    """Mails that a merchant's grant may have sent: invitations, and new links to orders."""
    rate_limit_changes: int = Field(default=1_200, ge=0)
    """Whatever else a storefront's mutations may change."""
    rate_limit_events: int = Field(default=3_000, ge=0)
    """Calls that tell what visitors do, up to 50 events each."""

    cost_limit_anonymous: int = Field(default=5_000, ge=100, le=1_000_000)
    """Cost points of one GraphQL operation of somebody without a token; fields declare theirs by
    ``@cost`` in the schema. More is refused, ``DOCUMENT_TOO_COMPLEX``, before anything is run."""
    cost_limit_customer: int = Field(default=5_000, ge=100, le=1_000_000)
    """The same of a customer who is signed in."""
    cost_limit_merchant: int = Field(default=20_000, ge=100, le=1_000_000)
    """The same of a merchant's staff, applications and systems."""

    challenge_url: str | None = None
    """Where a provider of challenges for robots is asked (``siteverify``), such as
    ``https://challenges.cloudflare.com/turnstile/v0/siteverify``. Unset: nobody is challenged."""
    challenge_secret: SecretStr | None = None
    challenge_site_key: str | None = None
    """What a storefront needs to show the provider's challenge; told with the refusal."""
    challenge_share: float = Field(default=0.5, ge=0, le=1)
    """Who has used more than this share of his placements or codes is challenged; 0: everybody."""

    media_url: str | None = None
    """Where pictures are kept: ``s3://bucket`` or ``s3://bucket/prefix``, with keys, region and
    endpoint from ``AWS_*`` variables. Unset: in ``data_dir/media``, which all processes share."""
    media_max_bytes: int = Field(default=20_000_000, ge=10_000, le=100_000_000)
    """The largest picture file that may be uploaded."""
    product_file_max_bytes: int = Field(default=32_000_000, ge=10_000, le=200_000_000)
    """The largest product file that may be uploaded."""

    sandbox_gateway_url: str | None = None
    """The sandbox gateway is offered to buyers only where all three are set.

    Nothing is a default here: whoever knows the webhook secret can report payments. ``make run``
    makes secrets of its own.
    """
    sandbox_gateway_api_key: SecretStr | None = None
    sandbox_gateway_webhook_secret: SecretStr | None = None

    order_url_template: str | None = None
    """Address of an order in your storefront, for links in mails: ``{id}`` becomes its GraphQL id
    and ``{token}`` the guest's token. Unset, mails carry no link and tokens are not taken back."""

    campaign_url_template: str | None = None
    """Address of a campaign in your storefront, for mails that tell of its opening: ``{shop}`` and
    ``{handle}`` become the shop's slug and the campaign's handle, ``{id}`` its GraphQL id. Unset,
    those mails carry no link."""

    webhooks_allow_private: bool = False
    """Send webhooks to http, to any port and into private networks as well. For development, and
    for receivers of your own: whoever registers an endpoint then reaches what this machine does."""
    sign_in: Literal["password", "oidc"] = "password"
    """Where people sign in: on our own pages, beside the OpenID Connect provider if one is set, or
    at the provider alone."""
    oidc_issuer: str | None = None
    """Address of an OpenID Connect provider, as it calls itself: ``https://login.example.com``."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = "single sign-on"
    """What the button calls the provider."""
    oidc_scopes: str = "openid email profile"

    wechat_api_url: str = "https://api.weixin.qq.com"
    """Where codes of mini-programs are exchanged, when shops' customers sign in by WeChat."""
    sign_in_providers_allow_private: bool = False
    """Let the OpenID Connect providers of shops be at http, on any port and in private networks as
    well. For development, and where all shops are yours: whoever names one then has this machine
    ask what it reaches."""

    mail_transport: Literal["console", "file", "smtp"] = "file"
    mail_from: str = "Presale <no-reply@localhost>"
    mail_dir: Path | None = None
    """Where the ``file`` transport writes ``.eml`` files; ``data_dir/mail`` when unset."""
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 25
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Ask the files that variables name, then the variables."""
        return init_settings, SecretFiles(settings_cls, also=SECRET_ADDRESSES), env_settings

    @field_validator(
        "database_url",
        "redis_url",
        "secret_key",
        "worker_niceness",
        "oidc_issuer",
        "oidc_client_id",
        "oidc_client_secret",
        "challenge_url",
        "challenge_secret",
        "challenge_site_key",
        "media_url",
        "campaign_url_template",
        "order_url_template",
        "sandbox_gateway_url",
        "sandbox_gateway_api_key",
        "sandbox_gateway_webhook_secret",
        "smtp_username",
        "smtp_password",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """Container files pass what is not set as an empty text."""
        return None if value == "" else value

    @field_validator("database_url")
    @classmethod
    def _database_url_can_be_read(cls, value: str | None) -> str | None:
        if value is not None and not _can_be_read(value, ("postgresql", "postgres")):
            raise ValueError(f"it is like postgresql://user:password@host:5432/presale; {ESCAPED}")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_url_can_be_read(cls, value: str | None) -> str | None:
        if value is not None and not _can_be_read(value, ("redis", "rediss", "unix")):
            raise ValueError(f"it is like redis://:password@host:6379/0; {ESCAPED}")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, value: str) -> str:
        parse_networks(value)
        return value

    @field_validator("order_url_template")
    @classmethod
    def _template_names_the_order(cls, value: str | None) -> str | None:
        if value is not None and ("{id}" not in value or "{token}" not in value):
            raise ValueError("the order's address needs {id} and {token}")
        return value

    @field_validator("campaign_url_template")
    @classmethod
    def _template_names_the_campaign(cls, value: str | None) -> str | None:
        if value is not None and "{handle}" not in value and "{id}" not in value:
            raise ValueError("the campaign's address needs {handle} or {id}")
        return value

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        if self.oidc_issuer is not None and self.oidc_client_id is None:
            raise ValueError("PRESALE_OIDC_ISSUER needs PRESALE_OIDC_CLIENT_ID")
        if self.sign_in == "oidc" and self.oidc_issuer is None:
            raise ValueError("PRESALE_SIGN_IN=oidc needs PRESALE_OIDC_ISSUER")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("PRESALE_OIDC_SCOPES needs openid")
        return self

    @model_validator(mode="after")
    def _challenger_is_whole(self) -> Self:
        if self.challenge_url is not None and self.challenge_secret is None:
            raise ValueError("PRESALE_CHALLENGE_URL needs PRESALE_CHALLENGE_SECRET")
        return self

    @field_validator("oidc_issuer", "challenge_url")
    @classmethod
    def _provider_is_reached_safely(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (parts.scheme == "https" or is_local):
            raise ValueError("the provider's address must begin with https://")
        return value

    @field_validator("wechat_api_url")
    @classmethod
    def _wechat_is_an_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError("WeChat's address is like https://api.weixin.qq.com")
        return value

    @field_validator("media_url")
    @classmethod
    def _media_url_names_a_bucket(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"s3://[^/\s]+(/\S*)?", value):
            raise ValueError("the media store's address is s3://bucket or s3://bucket/prefix")
        return value

    @property
    def highest_cost_limit(self) -> int:
        """What no operation of anybody may exceed."""
        return max(self.cost_limit_anonymous, self.cost_limit_customer, self.cost_limit_merchant)

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """Where our proxies are."""
        return parse_networks(self.trusted_proxies)

    @property
    def base_url(self) -> str:
        """Public address without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the process-wide settings, read from the environment on first use."""
    return Settings()
