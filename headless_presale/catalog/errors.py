"""What can go wrong with the catalogue."""

from headless_presale.kernel.errors import InvalidInput, NotFound


class ProductNotFound(NotFound):
    """The shop has no such product, or shows none to this caller."""

    code = "PRODUCT_NOT_FOUND"
    template = "Product {product} was not found"


class UnreadableProductFile(InvalidInput):
    """The file as a whole cannot be read: no row of it was looked at, nothing has changed."""

    code = "UNREADABLE_PRODUCT_FILE"
    template = "{file} cannot be imported: {reason}"
