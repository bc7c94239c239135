"""What of WebAuthn its library does: the options of a ceremony, and what its answer is worth.

The library is large, and a process may never see a passkey: :mod:`.passkeys` imports this module
only where it needs it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from headless_presale.identity.errors import FactorRefused


class MadeCredential(NamedTuple):
    """A credential that an authenticator has made: its id in base64url, key and counter."""

    credential_id: str
    public_key: bytes
    sign_count: int


def registration_options(
    *, rp_id: str, rp_name: str, user_id: UUID, email: str, name: str, known: Iterable[str]
) -> tuple[str, str]:
    """Return what the browser is asked for, as JSON, and the challenge in it.

    Args:
        known: credential ids of authenticators that are left out, because they have one.
    """
    options = webauthn.generate_registration_options(
        rp_id=rp_id,
        rp_name=rp_name,
        user_id=user_id.bytes,
        user_name=email,
        user_display_name=name or email,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def check_registration(
    answer: dict[str, Any], *, challenge: str, rp_id: str, origin: str
) -> MadeCredential:
    """Return the credential that was made.

    Raises:
        FactorRefused: the answer is not one to this challenge.
    """
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise FactorRefused(str(error)) from error
    return MadeCredential(
        bytes_to_base64url(verified.credential_id),
        verified.credential_public_key,
        verified.sign_count,
    )


def authentication_options(*, rp_id: str, known: Iterable[str]) -> tuple[str, str]:
    """Return what the browser is asked for, as JSON, and the challenge in it."""
    options = webauthn.generate_authentication_options(
        rp_id=rp_id,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def check_authentication(
    answer: dict[str, Any],
    *,
    challenge: str,
    rp_id: str,
    origin: str,
    public_key: bytes,
    sign_count: int,
) -> int:
    """Return the authenticator's counter.

    Raises:
        FactorRefused: the answer is not one to this challenge by this key, or its counter went
            back, as that of a copied authenticator does.
    """
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise FactorRefused(str(error)) from error
    return verified.new_sign_count


def _descriptors(credential_ids: Iterable[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(id_)) for id_ in credential_ids]
