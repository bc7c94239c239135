"""What can go wrong with the catalogue."""

from headless_presale.kernel.errors import DomainError, InvalidInput, NotFound


class ProductNotFound(NotFound):
    """The shop has no such product, or shows none to this caller."""

    code = "PRODUCT_NOT_FOUND"
    template = "Product {product} was not found"


class VariantNotFound(NotFound):
    """The caller's shops have no such variant."""

    code = "VARIANT_NOT_FOUND"
    template = "the variant was not found"


class ProductMediaNotFound(NotFound):
    """The product has no such picture."""

    code = "PRODUCT_MEDIA_NOT_FOUND"
    template = "the picture was not found"


class ProductOptionNotFound(NotFound):
    """The product has no such option."""

    code = "PRODUCT_OPTION_NOT_FOUND"
    template = "the option was not found"


class ProductHandleTaken(DomainError):
    """Another product of the shop has this handle."""

    code = "PRODUCT_HANDLE_TAKEN"
    template = "another product has the handle {handle}"


class SkuTaken(DomainError):
    """Another variant of the product has this SKU."""

    code = "SKU_TAKEN"
    template = "another variant of the product has the SKU {sku}"


class VariantExists(DomainError):
    """Two variants of a product would have the same option values."""

    code = "VARIANT_EXISTS"
    template = "two variants of the product would be {values}"


class MediaExists(DomainError):
    """The product shows this picture already."""

    code = "PRODUCT_MEDIA_EXISTS"
    template = "the product has the picture {url} already"


class ProductInUse(DomainError):
    """A campaign presells the product, or has presold it; its orders name it."""

    code = "PRODUCT_IN_USE"
    template = "a campaign presells {product} or has presold it"


class VariantInUse(DomainError):
    """A campaign presells the variant, or has presold it; its orders name it."""

    code = "VARIANT_IN_USE"
    template = "a campaign presells the variant or has presold it"


class LastVariant(DomainError):
    """A product has at least one variant: there would be nothing to sell."""

    code = "LAST_VARIANT"
    template = "this is the product's last variant"


class ProductFileNotFound(NotFound):
    """The shop has no such file: it was never uploaded, or it is too long ago."""

    code = "PRODUCT_FILE_NOT_FOUND"
    template = "the file was not found"


class ImportNotFound(NotFound):
    """The caller's shops have no such import."""

    code = "IMPORT_NOT_FOUND"
    template = "the import was not found"


class ImportUnderWay(DomainError):
    """The shop has an import that has not come to its end."""

    code = "IMPORT_UNDER_WAY"
    template = "{file} is being imported"


class UnreadableProductFile(InvalidInput):
    """The file as a whole cannot be read: no row of it was looked at, nothing has changed."""

    code = "UNREADABLE_PRODUCT_FILE"
    template = "{file} cannot be imported: {reason}"
