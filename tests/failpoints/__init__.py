"""A process dies at every place there is, in every use case, and nothing is lost or done twice."""

import pytest

pytest.register_assert_rewrite(
    "tests.failpoints.buying",
    "tests.failpoints.ending",
    "tests.failpoints.merchant",
    "tests.failpoints.webhooks",
)
