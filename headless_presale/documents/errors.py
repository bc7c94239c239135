"""What can go wrong with documents."""

from headless_presale.kernel.errors import DomainError, NotFound


class DocumentNotFound(NotFound):
    """The shop has registered no such document."""

    code = "DOCUMENT_NOT_FOUND"
    template = "Document {document} was not found"


class TooManyDocuments(DomainError):
    """A shop may register so many documents and no more."""

    code = "DOCUMENTS_TOO_MANY"
    template = "A shop registers at most {most} documents"
