"""What can go wrong with documents: told to whoever registers them, on the command line."""

from headless_presale.kernel.errors import PresaleError


class ManifestUnreadable(PresaleError):
    """The file is no manifest, or one of its documents cannot be used."""


class DocumentNotFound(PresaleError):
    """The shop has registered no such document."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"Document {digest[:64]} was not found")


class TooManyDocuments(PresaleError):
    """A shop may register so many documents and no more."""

    def __init__(self, most: int) -> None:
        super().__init__(f"A shop registers at most {most:,} documents")
