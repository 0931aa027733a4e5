"""What every test may rely on: a clean environment, seeded properties, embedded services."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from agents.embedded import EmbeddedRedis, Tansu
from tests.kafka_server import Kafka, KafkaMissingError, fetch_kafka
from tests.secure_kafka import SecureKafka, rights_in_the_manual

if TYPE_CHECKING:
    from collections.abc import Iterator

# Steady: the same examples on every run, so that a red build is red for everybody.
# Explore: `pytest --hypothesis-profile=explore` looks for new counter-examples.
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, print_blob=True, max_examples=2_000)
settings.load_profile("steady")


def pytest_configure() -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith("KONTAKTPULS_")]:
        del os.environ[name]


@pytest.fixture
def tansu() -> Iterator[Tansu]:
    """A broker of its own for one test."""
    with Tansu() as broker:
        yield broker


@pytest.fixture
def embedded_redis() -> Iterator[EmbeddedRedis]:
    """A Redis of its own for one test: the system's if there is one, else the fake."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A real Kafka for the whole run; whoever stops it starts it again.

    A machine that cannot run it skips what needs it, unless REQUIRE_KAFKA says that it has to.
    """
    try:
        fetch_kafka()
    except KafkaMissingError as error:
        if os.environ.get("REQUIRE_KAFKA"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with Kafka(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture(scope="session")
def kafka_with_tls(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A broker on which every user has the rights that the manual lists, and no other."""
    # For the reason to skip; this is another one.
    del kafka
    with SecureKafka(tmp_path_factory.mktemp("secure-kafka")) as server:
        server.grant(rights_in_the_manual())
        yield server
