"""The picture of an app beside Logfire, Sentry and an SDK, here where all of them are there."""

from __future__ import annotations

from tests.test_unmodified_company import (
    test_alone,
    test_with_an_sdk_of_its_own,
    test_with_an_sdk_whose_sampler_drops_everything,
    test_with_logfire,
    test_with_sentry,
)

__all__ = [
    "test_alone",
    "test_with_an_sdk_of_its_own",
    "test_with_an_sdk_whose_sampler_drops_everything",
    "test_with_logfire",
    "test_with_sentry",
]
