"""Product files put into a shop, as the upload's route does it."""

import hashlib
from io import BytesIO
from uuid import UUID

from headless_presale.catalog import AddProductFile, ProductFile, add_product_file


async def put_file(
    shop_id: UUID, content: str | bytes, *, name: str = "products.csv"
) -> ProductFile:
    """Keep a file for a shop."""
    body = content.encode() if isinstance(content, str) else content
    added = await add_product_file(
        AddProductFile(
            shop_id=shop_id,
            name=name,
            sha256=hashlib.sha256(body).hexdigest(),
            bytes=len(body),
            file=BytesIO(body),
        )
    )
    return added.file


def products_csv(count: int, *, price: str = "1.00", title: str = "Cup") -> str:
    """Return a file of products ``p0``, ``p1``, ... of one variant each."""
    rows = "".join(f"p{number},{title} {number},{price}\n" for number in range(count))
    return f"Handle,Title,Variant Price\n{rows}"
