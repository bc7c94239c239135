"""The life of a product import, as data."""

from enum import StrEnum

from headless_presale.kernel.lifecycle import Lifecycle


class ImportStatus(StrEnum):
    """Where an import stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


IMPORT_LIFECYCLE = Lifecycle(
    "the import",
    {
        ImportStatus.QUEUED: {ImportStatus.RUNNING, ImportStatus.FAILED, ImportStatus.CANCELLED},
        # A worker that dies leaves it running; another one takes it up where it is.
        ImportStatus.RUNNING: {
            ImportStatus.SUCCEEDED,
            ImportStatus.FAILED,
            ImportStatus.CANCELLED,
        },
        ImportStatus.SUCCEEDED: set(),
        ImportStatus.FAILED: set(),
        ImportStatus.CANCELLED: set(),
    },
    initial=ImportStatus.QUEUED,
)
OPEN = (ImportStatus.QUEUED, ImportStatus.RUNNING)
