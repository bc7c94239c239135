"""Where the mail of an opening leads: an address that the operator wrote down."""

from uuid import UUID

import pytest
from pydantic import ValidationError

from headless_presale.runtime import _campaign_link
from headless_presale.settings import Settings
from resolvers.global_ids import seal

CAMPAIGN = UUID("0195a1c0-0000-7000-8000-0000000000aa")


def test_names_take_their_places_and_cannot_leave_them() -> None:
    link = _campaign_link("https://shop.example/{shop}/{handle}?id={id}")
    assert link is not None

    handle = "fox%20%7Bid%7D%2F..%2Fx%3Fa%3D1%26b"
    id_ = seal("Campaign", CAMPAIGN)
    assert (
        link("forge", "fox {id}/../x?a=1&b", CAMPAIGN)
        == f"https://shop.example/forge/{handle}?id={id_}"
    )


def test_without_a_template_there_is_no_link() -> None:
    assert (
        _campaign_link(Settings.model_validate({"campaign_url_template": ""}).campaign_url_template)
        is None
    )


def test_a_template_that_names_no_campaign_is_refused() -> None:
    for template in ("https://shop.example/{id}", "https://shop.example/{handle}"):
        Settings.model_validate({"campaign_url_template": template})

    with pytest.raises(ValidationError, match=r"needs \{handle\} or \{id\}"):
        Settings.model_validate({"campaign_url_template": "https://shop.example/{shop}"})
