"""What wrk is told and what it says."""

import json

import pytest

from bench.wrk import ADDRESS, NUMBER, Request, read_result

GOOD = {
    "requests": 3_000,
    "duration_us": 2_000_000,
    "bytes": 600_000,
    "p50_us": 1_500,
    "p99_us": 9_000,
    "status": 0,
    "connect": 0,
    "read": 0,
    "write": 0,
    "timeout": 0,
}


def said(**changed: int) -> str:
    return f"Running 2s test\nRESULT {json.dumps({**GOOD, **changed})}\n"


def test_a_result_has_seconds_and_milliseconds() -> None:
    result = read_result(said())
    assert (result.per_second, result.p50_ms, result.p99_ms) == (1_500, 1.5, 9)
    # 0.6 s of a processor for 3,000 requests are 200 us for each.
    assert result.turn(cpu_seconds=0.6).cpu_us == pytest.approx(200)


@pytest.mark.parametrize("what", ["status", "connect", "read", "write", "timeout"])
def test_an_answer_that_is_missing_or_an_error_spoils_the_turn(what: str) -> None:
    with pytest.raises(RuntimeError, match=f"'{what}': 1"):
        read_result(said(**{what: 1}))


def test_a_client_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        read_result("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_a_body_is_as_long_as_its_marks_will_be() -> None:
    request = Request("POST", "/graphql", {"X-From": ADDRESS}, f'{{"n":"{NUMBER}é"}}')
    head, _, body = request.template("here:1").decode().partition("\r\n\r\n")
    # {"n":"12345678é"}: eight digits, two bytes for the accent, eight for what is around them.
    assert "Content-Length: 18" in head.split("\r\n")
    assert head.startswith("POST /graphql HTTP/1.1\r\nHost: here:1\r\nX-From: \x02\r\n")
    assert body == request.body


def test_a_request_without_a_body_says_nothing_of_one() -> None:
    template = Request("GET", "/readyz", {}).template("here:1")
    assert template == b"GET /readyz HTTP/1.1\r\nHost: here:1\r\n\r\n"
