"""Imports of product files, as the admin starts, follows and ends them."""

from typing import Any

import asyncpg

from headless_presale.catalog.import_job import run_import
from headless_presale.shops.models import Shop
from resolvers.global_ids import find_uuid, seal
from tests.graphql.endpoint import Api
from tests.support.product_files import products_csv, put_file
from tests.support.state import stored_rows

START = """
mutation ($input: ProductImportStartInput!) {
  productImportStart(input: $input) {
    productImport { id status fileName bytesDone bytesTotal isAtomic isDryRun requestedBy }
    userErrors { __typename code message field }
  }
}
"""
CANCEL = """
mutation ($input: ProductImportCancelInput!) {
  productImportCancel(input: $input) {
    productImport { status finishedAt }
    userErrors { code message field }
  }
}
"""
READ = """
query ($id: ID!, $first: Int = 100, $skip: Int = 0) { merchant { shop(slug: "moonlit-forge") {
  productImport(id: $id) {
    status failure bytesDone bytesTotal
    report {
      isWritten created updated unchanged skipped variantsCreated variantsUpdated variantsUnchanged
      mediaCreated mediaUpdated failedRowCount missingVariantCount
      failedRows(first: $first, skip: $skip) { line column reason }
      missingVariants { handle sku optionValues }
    }
  }
} } }
"""


async def start(
    api: Api, token: str, shop: Shop, content: str, **options: Any
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Upload a file and have it imported; return the import and what was wrong."""
    file = await put_file(shop.id, content)
    input = {"shopId": seal("Shop", shop.id), "fileId": seal("ProductFile", file.id), **options}
    payload = (await api.ask(START, bearer=token, input=input)).data["productImportStart"]
    return payload["productImport"], payload["userErrors"]


async def work_off(id_: str) -> None:
    """Do what a worker does."""
    uuid = find_uuid(id_, "ProductImport")
    assert uuid is not None
    await run_import(uuid)


async def read(api: Api, token: str, id_: str, language: str = "en", **page: Any) -> dict[str, Any]:
    reply = await api.ask(READ, bearer=token, language=language, id=id_, **page)
    found: dict[str, Any] = reply.data["merchant"]["shop"]["productImport"]
    return found


async def test_an_import_is_started_followed_and_read(api: Api, shop: Shop, token: str) -> None:
    content = (
        "Handle,Title,Variant SKU,Option1 Name,Option1 Value,Variant Price\n"
        "cup,Cup,A,Size,S,2.00\ncup,,B,,L,free\nmug,,C,,,1\n"
    )

    asked, errors = await start(api, token, shop, content)

    assert errors == []
    assert asked is not None
    id_ = asked.pop("id")
    assert asked == {
        "status": "QUEUED",
        "fileName": "products.csv",
        "bytesDone": 0,
        "bytesTotal": len(content),
        "isAtomic": False,
        "isDryRun": False,
        "requestedBy": "owner@moonlit-forge.example.com",
    }
    waiting = await read(api, token, id_)
    assert (waiting["status"], waiting["report"], waiting["failure"]) == ("QUEUED", None, None)

    await work_off(id_)

    done = await read(api, token, id_)
    assert (done["status"], done["bytesDone"]) == ("SUCCEEDED", len(content))
    assert done["report"] == {
        "isWritten": True,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "skipped": 0,
        "variantsCreated": 1,
        "variantsUpdated": 0,
        "variantsUnchanged": 0,
        "mediaCreated": 0,
        "mediaUpdated": 0,
        "failedRowCount": 2,
        "missingVariantCount": 0,
        "failedRows": [
            {
                "line": 3,
                "column": "Variant Price",
                "reason": "'free' is not a plain decimal number such as 1234.50",
            },
            {
                "line": 4,
                "column": "Title",
                "reason": "missing, and no row above is the product row of 'mug'",
            },
        ],
        "missingVariants": [],
    }
    chinese = await read(api, token, id_, "zh-CN", first=1, skip=1)
    assert chinese["report"]["failedRows"] == [
        {"line": 4, "column": "Title", "reason": "缺失，且上方没有 'mug' 的商品行"}
    ]


async def test_a_file_that_cannot_be_read_says_why_in_both_languages(
    api: Api, shop: Shop, token: str
) -> None:
    asked, _ = await start(api, token, shop, "a;b\n1;2\n")
    assert asked is not None
    await work_off(asked["id"])

    english = await read(api, token, asked["id"])
    chinese = await read(api, token, asked["id"], "zh-CN")

    assert (english["status"], english["report"]) == ("FAILED", None)
    assert english["failure"] == (
        "the header lacks the columns Handle, Title, Variant Price; columns must be separated by "
        "commas, not by ';'"
    )
    assert chinese["failure"] == (
        "表头缺少以下列：Handle, Title, Variant Price；各列须用逗号分隔，而不是 ';'"
    )


async def test_a_second_import_is_refused_and_the_first_cancelled(
    api: Api, shop: Shop, token: str, database_admin: asyncpg.Connection
) -> None:
    asked, _ = await start(api, token, shop, products_csv(1))
    assert asked is not None
    other, errors = await start(api, token, shop, products_csv(2), isAtomic=True)
    assert other is None
    assert [(e["code"], e["field"], e["message"]) for e in errors] == [
        (
            "IMPORT_UNDER_WAY",
            ["shopId"],
            "products.csv is being imported. Wait until it is done, or cancel it.",
        )
    ]

    async def cancel() -> dict[str, Any]:
        reply = await api.ask(CANCEL, bearer=token, input={"importId": asked["id"]})
        payload: dict[str, Any] = reply.data["productImportCancel"]
        return payload

    first = await cancel()
    assert (first["productImport"]["status"], first["userErrors"]) == ("CANCELLED", [])
    before = await stored_rows(database_admin)
    assert await cancel() == first
    assert await stored_rows(database_admin) == before
    log = await database_admin.fetch(
        "SELECT action FROM audit_entry WHERE action LIKE 'product\\_%' ORDER BY id"
    )
    assert [entry["action"] for entry in log] == [
        "product_file.upload",
        "product_import.start",
        "product_file.upload",
        "product_import.cancel",
    ]


async def test_what_has_ended_is_not_cancelled(api: Api, shop: Shop, token: str) -> None:
    asked, _ = await start(api, token, shop, products_csv(1), isDryRun=True)
    assert asked is not None
    await work_off(asked["id"])

    reply = await api.ask(CANCEL, bearer=token, input={"importId": asked["id"]})

    errors = reply.data["productImportCancel"]["userErrors"]
    assert [error["code"] for error in errors] == ["TRANSITION_NOT_ALLOWED"]


async def test_pages_of_a_report_are_bounded(api: Api, shop: Shop, token: str) -> None:
    asked, _ = await start(api, token, shop, products_csv(1, price="free"))
    assert asked is not None
    await work_off(asked["id"])
    for name, value in (("first", 1_001), ("first", -1), ("skip", -1)):
        page: dict[str, Any] = {name: value}
        reply = await api.ask(READ, bearer=token, id=asked["id"], **page)
        assert reply.error_codes == ["ARGUMENT_INVALID"]
    reply = await api.ask(READ, bearer=token, id="nonsense")
    assert reply.error_codes == ["ID_INVALID"]
