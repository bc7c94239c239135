"""What a client of an outside OpenID Connect provider has to see to, whoever signs in by it."""

from typing import Any

from authlib.common.errors import AuthlibBaseError
from joserfc.errors import JoseError

from headless_presale.identity.external import Claims
from headless_presale.kernel.errors import PresaleError

ALGORITHMS = frozenset(
    f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)
) | {"EdDSA", "Ed25519"}
"""Signatures by a key that only the provider has; never a shared secret, never none."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
MAX_SUBJECT_LENGTH = 255
"""Says OpenID Connect."""

REFUSED = (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError, RuntimeError)
"""What Authlib raises where an answer is not what it should be."""


class ProviderUnusable(PresaleError):
    """What a provider says about itself, or of somebody, is not what was configured."""


class CheckedMetadata:
    """For Authlib's asynchronous clients: takes the provider at its word only where that is safe.

    Of the discovery document only the endpoints and the algorithms are kept. Authlib hands all of
    it to its HTTP client as options, where ``verify`` or ``proxy`` would be obeyed.
    """

    issuer: str
    client_id: str
    server_metadata: dict[str, Any]
    userinfo: Any

    async def load_server_metadata(self) -> dict[str, Any]:
        """Return the provider's discovery document.

        Raises:
            ProviderUnusable: it is another provider's.
        """
        if "_loaded_at" in self.server_metadata:
            return self.server_metadata
        said: dict[str, Any] = dict(await super().load_server_metadata())  # type: ignore[misc]
        self.server_metadata.clear()
        if said.get("issuer") != self.issuer:
            raise ProviderUnusable(
                f"the provider calls itself {said.get('issuer')!r}, not {self.issuer!r}"
            )
        offered = said.get("id_token_signing_alg_values_supported")
        usable = (
            [name for name in offered if name in ALGORITHMS] if isinstance(offered, list) else []
        )
        kept = {name: said[name] for name in ENDPOINTS if isinstance(said.get(name), str)}
        self.check_endpoints(kept)
        self.server_metadata.update(
            kept,
            issuer=self.issuer,
            id_token_signing_alg_values_supported=usable or ["RS256"],
            _loaded_at=said["_loaded_at"],
        )
        return self.server_metadata

    def check_endpoints(self, endpoints: dict[str, str]) -> None:
        """Refuse endpoints that are not to be asked; none here.

        Raises:
            ProviderUnusable: one of them is not.
        """

    @property
    def claims_options(self) -> dict[str, Any]:
        """What an ID token has to say: Authlib checks neither unless it is asked for."""
        return {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }

    async def read_person(self, token: dict[str, Any], said: dict[str, Any]) -> Claims:
        """Return who it is; the address comes from the userinfo endpoint if the ID token has none.

        Args:
            said: the claims of the ID token, checked.

        Raises:
            ProviderUnusable: the endpoint speaks of somebody else.
            httpx.HTTPError: it does not answer.
        """
        said = dict(said)
        if "email" not in said and "userinfo_endpoint" in await self.load_server_metadata():
            more = await self.userinfo(token=token)
            if more.get("sub") != said["sub"]:
                raise ProviderUnusable("the userinfo endpoint speaks of somebody else")
            said = {**more, **said}
        subject = str(said["sub"])
        if not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
            raise ProviderUnusable("the provider calls nobody, or somebody too long a name")
        return Claims(
            issuer=self.issuer,
            subject=subject,
            email=str(said.get("email", "")),
            # Some write it as a text. Anything else is no.
            is_email_verified=said.get("email_verified") in (True, "true"),
            name=str(said.get("name", "")),
        )
