"""The terms of a campaign: versions that are added, and never changed once buyers saw them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from headless_presale.campaigns.errors import CampaignNotPublishable, TermsNotFound
from headless_presale.campaigns.events import TermsRevised
from headless_presale.campaigns.judging import TermsPlan, find_terms_faults
from headless_presale.campaigns.models import Campaign, CampaignTerms
from headless_presale.campaigns.reading import latest_terms
from headless_presale.campaigns.recording import (
    check_read,
    facts_of,
    lock_campaign,
    refuse_if_over,
    save_change,
)
from headless_presale.campaigns.states import CampaignStatus
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work


async def write_terms(campaign: Campaign, terms: Mapping[str, Any]) -> int:
    """Write the terms of a campaign; return their version.

    A version that was never published is nobody's promise and is written over; all others stay.
    """
    latest = await latest_terms(campaign)
    texts = {name: terms[name] for name in ("ships_by", "refund_policy", "cancel_conditions")}
    is_draft = campaign.status is CampaignStatus.DRAFT
    if is_draft and latest is not None and latest.version > (campaign.terms_version or 0):
        latest.update_from_dict({**texts, "created_at": clock.now()})
        await latest.save()
        return latest.version
    version = latest.version + 1 if latest is not None else 1
    await CampaignTerms.create(
        id=new_id(), campaign_id=campaign.id, version=version, created_at=clock.now(), **texts
    )
    reach("campaigns.terms_written")
    return version


@shielded
async def revise_terms(
    campaign_id: UUID,
    *,
    ships_by: date | None,
    refund_policy: dict[str, str],
    cancel_conditions: dict[str, str],
    default_locale: str,
    version: int | None = None,
) -> int:
    """Put a version of the terms in force for orders from now on; orders placed keep theirs.

    Of a draft they are what will be in force when it is published.

    Args:
        version: the campaign's, as it was read.

    Returns:
        The number of the new version.

    Raises:
        CampaignNotFound: there is none.
        CampaignNotOpen: the campaign is over; there are no orders to come.
        VersionConflict: it has changed since it was read.
        CampaignNotPublishable: the terms lack what publishing demands of them.
    """
    terms = TermsPlan(
        ships_by=ships_by, refund_policy=refund_policy, cancel_conditions=cancel_conditions
    )
    async with unit_of_work() as work:
        campaign = await lock_campaign(campaign_id)
        refuse_if_over(campaign)
        latest = await latest_terms(campaign)
        check_read(campaign, version, yours=_texts_of(terms), stored=_texts_of(latest))
        if faults := list(
            find_terms_faults(terms, closes_at=campaign.closes_at, default_locale=default_locale)
        ):
            raise CampaignNotPublishable(faults=faults)
        before = facts_of(campaign)
        number = await write_terms(campaign, asdict(terms))
        if campaign.status is not CampaignStatus.DRAFT:
            campaign.terms_version = number
        await save_change(
            work,
            campaign,
            "campaign.terms_create",
            before={**before, **_texts_of(latest)},
            after={**facts_of(campaign), **_texts_of(terms)},
        )
        work.emit(TermsRevised(campaign_id=campaign.id, version=number))
    return number


def _texts_of(terms: TermsPlan | CampaignTerms | None) -> dict[str, object]:
    return {
        "terms.shipsBy": terms.ships_by if terms else None,
        "terms.refundPolicy": terms.refund_policy if terms else {},
        "terms.cancelConditions": terms.cancel_conditions if terms else {},
    }


@dataclass(frozen=True, slots=True)
class TermsChange:
    """What one text, or the ship date, was in one version and is in another.

    ``locale`` is empty for the ship date; None stands for a text that is not there.
    """

    field: str
    locale: str
    before: str | None
    after: str | None


async def compare_terms(campaign_id: UUID, *, older: int, newer: int) -> list[TermsChange]:
    """Return where two versions of a campaign's terms differ, in the order of the terms.

    Raises:
        TermsNotFound: one of the versions does not exist.
    """
    rows = await CampaignTerms.filter(campaign_id=campaign_id, version__in={older, newer})
    found = {terms.version: terms for terms in rows}
    for version in (older, newer):
        if version not in found:
            raise TermsNotFound(version=version)
    return differences(found[older], found[newer])


def differences(old: CampaignTerms, new: CampaignTerms) -> list[TermsChange]:
    """Return where two versions differ."""
    changes = []
    if old.ships_by != new.ships_by:
        changes.append(TermsChange("shipsBy", "", _day(old.ships_by), _day(new.ships_by)))
    for name, was, now in (
        ("refundPolicy", old.refund_policy, new.refund_policy),
        ("cancelConditions", old.cancel_conditions, new.cancel_conditions),
    ):
        changes += [
            TermsChange(name, locale, was.get(locale), now.get(locale))
            for locale in sorted({*was, *now})
            if was.get(locale) != now.get(locale)
        ]
    return changes


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
