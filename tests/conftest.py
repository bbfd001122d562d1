"""What every test may use: the fixed cast, uploads that go away, a language that ends with the test."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples

# The fixed cast: a course and the people who may do this or that in it.
pytest_plugins = ["tests.cast"]

# Two cores are shared by everything under test; more threads of torch make it slower, not faster.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Synchronous Playwright keeps an event loop in its thread, which Django would take for an asynchronous program.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# How many examples a property is tried on; `make fuzz` takes the long profile.
examples.register_profile("short", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.register_profile("long", examples.get_profile("short"), max_examples=1000)
examples.load_profile("long" if os.environ.get("FUZZ", "0") != "0" else "short")


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, request: pytest.FixtureRequest
) -> Iterator[None]:
    """In place of pytest-django's own, which would run every migration once a process."""
    from tests.database import migrated_database

    process = getattr(request.config, "workerinput", {}).get("workerid", "alone")
    with django_db_blocker.unblock(), migrated_database(process):
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_test_database_can_be_emptied() -> Iterator[None]:
    """Histories refuse to be deleted, but tests begin with none. The guards are back with the flush's post_migrate."""
    from django.apps import apps
    from django.core.management.commands import flush

    from courses.guards import guarded_tables, take_down_sql

    emptied = flush.sql_flush
    tables = guarded_tables(apps.get_models())

    def unguarded(style: Any, connection: Any, *args: Any, **kwargs: Any) -> list[str]:
        return [*take_down_sql(connection.vendor, tables), *emptied(style, connection, *args, **kwargs)]

    flush.sql_flush = unguarded
    yield
    flush.sql_flush = emptied


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One for all tests: a second synchronous Playwright cannot be started in the thread of the first."""
    from tests.browser.system import chromium

    with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def _uploads_go_away(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _the_language_of_a_test_ends_with_it() -> Iterator[None]:
    """A request in German leaves German switched on in this thread, and the next test may read English words."""
    from django.utils import translation

    yield
    translation.deactivate()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.sharing import FilesAndChromium

    return FilesAndChromium(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """What loads any model is marked so; what takes longest begins first; what needs a card is skipped without one."""
    for item in items:
        if {"tiny_base", "tiny_adapter"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("tiny_model")
    yield
    items.sort(key=_turn)
    # Asking costs the import of torch, so only if need be.
    gpu = [item for item in items if item.get_closest_marker("gpu")]
    if gpu and not _card_present():
        for item in gpu:
            item.add_marker(pytest.mark.skip(reason="there is no NVIDIA card here"))


def _turn(item: pytest.Item) -> int:
    """Chromium first, then what starts processes, then what loads the model: so that both end together."""
    from tests.sharing import CHROMIUM, shared_with

    if shared_with(item.nodeid.partition("::")[0]) == CHROMIUM:
        return 0
    marked = [item.get_closest_marker(name) is not None for name in ("faults", "model")]
    return marked.index(True) + 1 if any(marked) else len(marked) + 1


def _card_present() -> bool:
    import torch

    return torch.cuda.is_available()
