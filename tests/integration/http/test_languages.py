"""Refusals beside the schema, and over sockets, in the language that was asked for."""

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from headless_presale.refusal_texts import TEXTS
from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.integration.http.clients import (
    CANCEL,
    NOBODYS,
    one_place_taken,
    open_socket,
    receive,
    subscribe,
)
from tests.support.api import api_serving

CHINESE = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}
ANN = {"x-forwarded-for": "198.51.100.7"}


@pytest.fixture
def settings(database: str, redis: Redis, redis_url: str, tmp_path: Path) -> Settings:
    given: dict[str, Any] = {
        "database_url": database,
        "redis_url": redis_url,
        "data_dir": tmp_path,
        "secret_key": SECRET_KEY,
        "trusted_proxies": "127.0.0.0/8",
        "rate_limit_requests": 1,
        "max_in_flight": 1,
    }
    return Settings.model_validate(given)


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_what_is_refused_before_it_is_read(settings: Settings, accept: str) -> None:
    body = {"query": "{ __typename }"}
    async with api_serving(settings) as client:
        async with one_place_taken():
            answers = [
                await client.post("/graphql", json=body, headers={**headers, "accept": accept})
                for headers in (CHINESE, {})
            ]
        told = [answer.json()["errors"][0]["message"] for answer in answers]
        assert told == [TEXTS["OVERLOADED"][locale] for locale in ("zh-CN", "en")]

        await client.post("/graphql", json=body, headers=ANN)
        answer = await client.post("/graphql", json=body, headers={**ANN, **CHINESE})
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert error["message"] == TEXTS["RATE_LIMITED"]["zh-CN"]


@pytest.mark.parametrize("said", ["by header", "in connection_init", "nowhere"])
async def test_a_socket_has_one_language(settings: Settings, said: str) -> None:
    headers = CHINESE if said == "by header" else {}
    payload = {"acceptLanguage": "zh-CN"} if said == "in connection_init" else None
    refusal, denial = "输入内容无法使用：这不是 Order 的编号。", "请先登录："
    if said == "nowhere":
        refusal = "The input cannot be used: this is no id of the type Order."
        denial = "Send an access token"
    async with api_serving(settings) as client, open_socket(client, payload, **headers) as socket:
        await subscribe(socket, "1", CANCEL.replace("code", "code message"), NOBODYS)
        (error,) = (await receive(socket))["payload"]["data"]["orderCancel"]["userErrors"]
        assert error["message"] == refusal
        assert (await receive(socket))["type"] == "complete"
        await subscribe(socket, "2", "{ viewer { scopes } }", {})
        (error,) = (await receive(socket))["payload"]["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert error["message"].startswith(denial)
