"""What subscribers of the bench read, and how late it was."""

import pytest

from bench.cases.fan_out import lags_of
from bench.followers import TEXT, frame, number_in, read_frame


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_frame_of_any_length_is_read(length: int, head: bytes) -> None:
    payload = b"x" * length
    # Behind another frame, and with a part of the next one.
    data = b"\x81\x02hi" + head + payload + b"\x81"
    found = read_frame(data, 4)
    assert found == (TEXT, payload, 4 + len(head) + length)
    assert read_frame(data, found[2]) is None
    assert read_frame(data[: found[2]], 4) == found
    assert read_frame(data[: found[2] - 1], 4) is None


@pytest.mark.parametrize("length", [0, 125, 126, 300])
def test_what_a_client_sends_is_masked_by_zeros(length: int) -> None:
    sent = frame(TEXT, b"y" * length)
    assert sent[1] & 0x80
    assert sent.endswith(b"\x00\x00\x00\x00" + b"y" * length)


def test_a_number_is_read_from_a_state_alone() -> None:
    assert number_in(b'{"items":[{"slotsLeft":1204,"capacity":9}]}') == 1_204
    assert number_in(b'{"slotsLeft":7') == 7
    assert number_in(b'{"type":"connection_ack"}') is None


def test_an_update_is_told_by_its_number_or_a_later_one() -> None:
    # Given two updates of a topic and one of another: 9 is left at 1.0 s, 8 at 2.0 s
    published = {(0, 9): 1.0, (0, 8): 2.0, (1, 9): 1.5}
    # when the first topic is sent the second number only, and the other one nothing new
    each = [(0, 10, 0.5), (0, 8, 2.25), (1, 10, 0.5)]
    # then both of the first were told by it, and that of the other never
    assert lags_of(published, each) == [1.25, 0.25]
