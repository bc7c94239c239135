"""The invariants as audits: what must hold at any moment, whoever died in between.

Tests, failure runs and ``headless-presale doctor`` ask the same questions. An audit looks and never
changes; each returns the subjects that break its sentence, so an operator knows where to look.
"""

from headless_presale.audits.acknowledged import Acknowledged, audit_acknowledged
from headless_presale.audits.database import DATABASE_AUDITS, audit_database
from headless_presale.audits.findings import Finding
from headless_presale.audits.redis import audit_redis
from headless_presale.audits.rest import LATE_AFTER, audit_rest
from headless_presale.audits.secrets import audit_secrets, fault_of_key, is_development
from headless_presale.audits.setup import audit_links, audit_public_address

__all__ = [
    "DATABASE_AUDITS",
    "LATE_AFTER",
    "Acknowledged",
    "Finding",
    "audit_acknowledged",
    "audit_database",
    "audit_links",
    "audit_public_address",
    "audit_redis",
    "audit_rest",
    "audit_secrets",
    "fault_of_key",
    "is_development",
]
