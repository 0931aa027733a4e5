"""What Prometheus sees: KPIs of the partitions owned now, and how the worker itself is doing.

Everything is made anew from the state at scrape time; while the worker recovers it shows no KPI at
all, because absence is honest and zero is not.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from agents.exposition import Exposition
from streams.conventions import TOTAL, Label, Monitor
from streams.instants import SECOND
from streams.kpis.definition import PART_LABEL
from streams.windows import WINDOWS, window_end, window_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric

    from agents.runtime import Runtime
    from streams.books import Book
    from streams.desk import Desk

SHARE = 0.5
"""Of the time that texts may take to make, however often they are asked for: one that took 0.1 s is
served again for 0.2 s."""


def create_exposition(runtime: Runtime, clock: Callable[[], int]) -> Callable[[], bytes]:
    """The function that answers a scrape.

    Args:
        runtime: the worker's desks; read, never changed.
        clock: the instant now; a KPI is never read past it.
    """
    registry = CollectorRegistry(auto_describe=False)
    monitor = MonitorCollector(runtime, clock)
    registry.register(monitor)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    text, renewed_at = b"", 0.0

    def expose() -> bytes:
        nonlocal text, renewed_at
        began = monotonic()
        if began >= renewed_at:
            monitor.look()
            kpis = Exposition()
            for book, as_of in monitor.books:
                kpis.add_book(book, as_of)
            body = kpis.render()
            monitor.render_seconds = monotonic() - began
            text = body + generate_latest(registry)
            renewed_at = began + (monotonic() - began) / SHARE
        return text

    return expose


def readable_books(runtime: Runtime, clock: Callable[[], int]) -> Iterator[tuple[Desk, Book, int]]:
    """The books that may be shown now, each with the instant it is true for."""
    if not runtime.recovering:
        yield from _books(runtime, clock)


def _books(runtime: Runtime, clock: Callable[[], int]) -> Iterator[tuple[Desk, Book, int]]:
    now = clock() if runtime.settings.cluster.clock == "wall" else None
    for desk in runtime.desks.values():
        for book in desk.books.values():
            as_of = book.as_of(now)
            if as_of is not None:
                yield desk, book, as_of


class MonitorCollector(Collector):
    """Metrics about the pipeline: the age of the truth, conservation, size, lag."""

    def __init__(self, runtime: Runtime, clock: Callable[[], int]) -> None:
        """Reads `runtime` at every scrape, after a `look`.

        Attributes:
            render_seconds: that the last text took.
            books: that may be shown, each with the instant it is true for.
        """
        self.render_seconds = 0.0
        self.books: list[tuple[Book, int]] = []
        self._recovering = True
        self._runtime = runtime
        self._clock = clock

    def look(self) -> None:
        """Take in what one text is about.

        A rebalance begins in another thread, also while a text is being made, and time goes on.
        """
        runtime = self._runtime
        self._recovering = runtime.recovering
        shown = () if self._recovering else _books(runtime, self._clock)
        self.books = [(book, as_of) for _, book, as_of in shown]

    def collect(self) -> Iterator[Metric]:
        """All families, made anew."""
        yield GaugeMetricFamily(
            Monitor.RECOVERING,
            "1 while partitions are assigned or recovered and no KPI is shown.",
            value=float(self._recovering),
        )
        yield GaugeMetricFamily(
            Monitor.RENDER_SECONDS,
            "Duration of the last rendering of all KPIs.",
            value=self.render_seconds,
        )
        yield from self._telemetry()
        yield from self._exports()
        if not self._recovering:
            yield from self._targets()
            yield from self._desks()
            yield from self._truth()

    def describe(self) -> Iterator[Metric]:
        """Nothing: the state is not there yet when the collector is registered."""
        return iter(())

    def _telemetry(self) -> Iterator[Metric]:
        telemetry, views = self._runtime.telemetry, self._runtime.views
        for name, text, value in (
            (Monitor.CHUNKS, "Chunks of records handled.", telemetry.chunks),
            (Monitor.FLUSHES, "Flushes acknowledged by Kafka.", telemetry.flushes),
            (Monitor.ROWS_WRITTEN, "Rows written to the changelog.", telemetry.rows_written),
            (Monitor.ROWS_DELETED, "Superseded rows deleted.", telemetry.rows_deleted),
            (
                Monitor.COMMITS,
                "Times committed offsets were seen to advance.",
                telemetry.commits,
            ),
            (Monitor.REBALANCES, "Rebalances seen.", telemetry.rebalances),
        ):
            yield CounterMetricFamily(name, text, value=value)
        yield GaugeMetricFamily(
            Monitor.LOOP_LAG, "How late the event loop last was.", value=telemetry.loop_lag
        )
        lag = GaugeMetricFamily(
            Monitor.LAG,
            "Records on the broker that were not handled yet.",
            labels=[Label.TOPIC, Label.PARTITION],
        )
        for (topic, partition), records in telemetry.lag.items():
            lag.add_metric([topic, str(partition)], records)
        yield lag
        up = GaugeMetricFamily(
            Monitor.VIEW_UP,
            "1 when a view, such as Redis, took the last flush.",
            labels=[Label.VIEW],
        )
        failures = CounterMetricFamily(
            Monitor.VIEW_FAILURES, "Flushes that a view could not take.", labels=[Label.VIEW]
        )
        for view, trouble in views.troubles.items():
            up.add_metric([view], float(trouble is None))
            failures.add_metric([view], views.failures[view])
        yield up
        yield failures

    def _exports(self) -> Iterator[Metric]:
        status = self._runtime.exports
        overdue = GaugeMetricFamily(
            Monitor.EXPORTS_OVERDUE,
            "Weekly exports that have been due for more than an hour and are not made.",
            labels=[Label.ORGANISATION],
        )
        for organisation, weeks in sorted(status.overdue.items()):
            overdue.add_metric([organisation], weeks)
        succeeded = GaugeMetricFamily(
            Monitor.EXPORT_SUCCESS,
            "Instant at which the last weekly export was made, by whichever worker.",
            labels=[Label.ORGANISATION],
        )
        for organisation, instant in sorted(status.succeeded.items()):
            succeeded.add_metric([organisation], instant / SECOND)
        failures = CounterMetricFamily(
            Monitor.EXPORT_FAILURES,
            "Weekly exports that this worker began and could not finish.",
            labels=[Label.ORGANISATION],
        )
        for organisation, n in sorted(status.failures.items()):
            failures.add_metric([organisation], n)
        yield from (overdue, succeeded, failures)

    def _targets(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            Monitor.TARGET,
            "Share a promise is to reach, at the channel's as_of.",
            labels=[Label.ORGANISATION, Label.CHANNEL, Label.PROMISE],
        )
        within = GaugeMetricFamily(
            Monitor.WITHIN,
            "Wait that a promise in seconds or minutes allows, at the channel's as_of.",
            labels=[Label.ORGANISATION, Label.CHANNEL, Label.PROMISE],
        )
        for book, as_of in self.books:
            plan = book.plan
            # A version that begins tomorrow asks for nothing today.
            in_force = {
                rule.promise.name: rule.promise
                for part in (TOTAL, *plan.parts)
                for rule in plan.rules(part, as_of)
            }
            for promise in in_force.values():
                labels = [plan.organisation.name, plan.channel, promise.name]
                family.add_metric(labels, promise.target)
                if promise.within.unit == "elapsed":
                    within.add_metric(labels, promise.within.amount / SECOND)
        yield from (family, within)

    def _desks(self) -> Iterator[Metric]:
        place = [Label.CHANNEL, Label.PARTITION]
        counters = {
            name: CounterMetricFamily(name, text, labels=place)
            for name, text in (
                (Monitor.EVENTS_IN, "Events read; = applied + unchanged + forwarded + rejected."),
                (Monitor.APPLIED, "Events that told something new."),
                (Monitor.UNCHANGED, "Events that were known: duplicates and replays."),
                (Monitor.FORWARDED, "Events sent on to the partition they belong on."),
                (Monitor.CONFLICTS, "Facts that contradicted a known one at the same revision."),
                (Monitor.LATE, "Events applied long after they happened."),
                (Monitor.UNKNOWN_PART, "Events of queues, mailboxes or desks nobody configured."),
            )
        }
        rejected = CounterMetricFamily(
            Monitor.REJECTED, "Events sent to the dead letters.", labels=[*place, Label.REASON]
        )
        sizes = {
            name: GaugeMetricFamily(name, text, labels=place)
            for name, text in (
                (Monitor.CONTACTS, "Contacts kept one by one."),
                (Monitor.COHORTS, "Cohorts (rows of the changelog) kept."),
                (Monitor.OPEN_CONTACTS, "Contacts with something undecided."),
            )
        }
        owned = GaugeMetricFamily(
            Monitor.OWNED, "1 for each partition this worker owns.", labels=[Label.PARTITION]
        )
        for partition in sorted(self._runtime.partitions):
            owned.add_metric([str(partition)], 1)
        for (channel, partition), desk in self._runtime.desks.items():
            labels = [channel, str(partition)]
            totals, books = desk.totals, desk.books.values()
            for name, value in (
                (Monitor.EVENTS_IN, totals.events_in),
                (Monitor.APPLIED, totals.applied),
                (Monitor.UNCHANGED, totals.unchanged),
                (Monitor.FORWARDED, totals.forwarded),
                (Monitor.CONFLICTS, sum(book.conflicts for book in books)),
                (Monitor.LATE, totals.late),
                (Monitor.UNKNOWN_PART, totals.unknown_part),
            ):
                counters[name].add_metric(labels, value)
            for reason, n in totals.rejected.items():
                rejected.add_metric([*labels, reason], n)
            for name, value in (
                (Monitor.CONTACTS, sum(len(book.contacts) for book in books)),
                (Monitor.COHORTS, sum(len(book.cohorts) for book in books)),
                (Monitor.OPEN_CONTACTS, sum(book.open_contacts for book in books)),
            ):
                sizes[name].add_metric(labels, value)
        yield from counters.values()
        yield rejected
        yield from sizes.values()
        yield owned

    def _truth(self) -> Iterator[Metric]:
        """How far each channel and source is known, and what is open at that instant."""
        place = [Label.ORGANISATION, Label.CHANNEL]
        as_of_family = GaugeMetricFamily(
            Monitor.AS_OF, "Instant up to which a channel is known.", labels=place
        )
        through = GaugeMetricFamily(
            Monitor.SOURCE_THROUGH,
            "Instant up to which a source has read everything.",
            labels=[*place, Label.SOURCE],
        )
        seen = GaugeMetricFamily(
            Monitor.SOURCE_SEEN,
            "1 when a configured source was ever heard of.",
            labels=[*place, Label.SOURCE],
        )
        is_open = GaugeMetricFamily(
            Monitor.OPEN,
            "1 while a queue, mailbox or desk is open, at the channel's as_of.",
            labels=[*place, Label.PART],
        )
        open_seconds = GaugeMetricFamily(
            Monitor.OPEN_SECONDS,
            "How long a queue, mailbox or desk was open within a window that ends at as_of.",
            labels=[*place, Label.PART, Label.WINDOW],
        )
        for book, as_of in self.books:
            plan = book.plan
            labels = [plan.organisation.name, plan.channel]
            as_of_family.add_metric(labels, as_of / SECOND)
            for source in plan.sources:
                frontier = book.frontiers.get(source)
                if frontier is not None:
                    through.add_metric([*labels, source], frontier / SECOND)
            for part in (TOTAL, *plan.parts):
                if plan.channel in PART_LABEL and plan.channel != "surveys":
                    calendar = plan.calendar(part)
                    is_open.add_metric([*labels, part], float(calendar.is_open(as_of)))
                    for window in WINDOWS:
                        begin, end = window_start(window, as_of, plan.zone), window_end(as_of)
                        seconds = calendar.working_time(begin, end) / SECOND
                        open_seconds.add_metric([*labels, part, window], seconds)
        for (channel, _), desk in self._runtime.desks.items():
            for organisation in desk.organisations():
                book_of = desk.books.get(organisation.name)
                for expected in organisation.sources:
                    if expected.channel == channel:
                        known = book_of is not None and expected.name in book_of.frontiers
                        seen.add_metric([organisation.name, channel, expected.name], float(known))
        yield from (as_of_family, through, seen, is_open, open_seconds)
