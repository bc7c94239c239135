"""Asking for a copy: one an hour, whoever asks how often at once."""

import asyncio
from datetime import datetime, timedelta

from headless_presale.notifications import Message
from headless_presale.privacy import PersonalDataExport, forget_exports, write_export
from tests.graphql.customers import codes_of
from tests.graphql.privacy.copies import READY, ask, asked_by, token_of
from tests.graphql.privacy.life import Stage


async def test_one_an_hour(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)
    at = stage.clock.now()
    first = await ask(stage, token)
    assert first["export"]["readyAt"] is None
    assert first["export"]["url"] is None
    assert datetime.fromisoformat(first["export"]["askedAt"]) == at

    stage.clock.advance(timedelta(minutes=59, seconds=59))
    token = await token_of(stage, sale)
    again = await ask(stage, token, language="zh-CN")

    (error,) = again["userErrors"]
    assert again["export"] is None
    assert (error["__typename"], error["code"]) == ("ExportTooSoonError", "EXPORT_TOO_SOON")
    assert datetime.fromisoformat(error["retryAt"]) == at + timedelta(hours=1)
    assert error["message"] == "您刚刚申请过个人数据副本，请在 1 分钟后再申请。"
    assert await PersonalDataExport.all().count() == 1
    # Another one may ask for his, and he himself when the hour is over.
    assert codes_of(await ask(stage, await token_of(stage, sale, "mia@example.com"))) == []
    stage.clock.advance(timedelta(seconds=1))
    assert codes_of(await ask(stage, token)) == []


async def test_two_who_ask_at_once_have_one(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)

    answers = await asyncio.gather(*(ask(stage, token) for _ in range(4)))

    assert sorted(codes_of(answer) for answer in answers) == [[], *([["EXPORT_TOO_SOON"]] * 3)]
    assert await PersonalDataExport.all().count() == 1


async def test_a_language_that_is_none_is_refused(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)
    assert codes_of(await ask(stage, token, locale="no language")) == ["INVALID_INPUT"]
    assert await PersonalDataExport.all().count() == 0


async def test_one_that_nobody_wrote_in_a_day_is_not_written_any_more(stage: Stage) -> None:
    sale = await stage.open()
    export_id = await asked_by(stage, sale)
    stage.clock.advance(timedelta(hours=24))

    await write_export(export_id)

    assert (await PersonalDataExport.get()).ready_at is None
    assert await forget_exports() == 1
    await write_export(export_id)
    assert await Message.filter(kind=READY).count() == 0
