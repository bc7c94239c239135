"""How long a message is tried."""

from headless_presale.notifications.jobs import MAX_RETRIES, wait_seconds


def test_pauses_double_up_to_an_hour_and_last_a_day() -> None:
    pauses = [wait_seconds(attempt) for attempt in range(MAX_RETRIES)]

    assert pauses[:4] == [2, 4, 8, 16]
    assert pauses[10] == 2_048
    assert pauses[11:] == [3_600] * 24
    # 2 + 4 + ... + 2048 = 4094 seconds, and 24 hours.
    assert sum(pauses) == 4_094 + 24 * 3_600
