"""`kontaktpuls export`: a week, month or year of one or all organisations, as files."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from agents.children import die_with_parent
from agents.clock import wall_clock
from agents.commands.report import read_as_of
from agents.exports.files import publish_instead, read_manifest, sweep, write_hidden
from agents.exports.mail import send_mail
from agents.exports.making import Maker, Wish, wish_of
from agents.exports.reading import connect, has_days, newest_truth
from agents.settings import Settings, load_settings
from agents.settings.exports import FORMATS, Format
from agents.settings.problems import suggestion
from streams.errors import KontaktpulsError
from streams.exports.periods import Kind, Period
from streams.instants import SECOND, parse_rfc3339, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.exports.model import Export
    from streams.organisations import Language, Organisation

FEW = 3
"""Organisations for which it does not pay to start further processes."""
MOST_SOURCES = 3
"""Sources named in a line; the files name all of them."""
EPOCH = "SOURCE_DATE_EPOCH"


class ExportError(KontaktpulsError):
    """An export that cannot be made as asked, and how to ask instead."""


class Order(NamedTuple):
    """What is asked for of every organisation.

    Attributes:
        settings: of everything.
        kind, label: which period; `last` and `current` depend on the organisation's clock.
        made_at: the instant of the export.
        stamped_at: as which time files are stamped; `None` = as `made_at`.
        formats: in which forms.
        language: of the files; `None` = that of the organisation.
        folder: where to.
        email: whether it is mailed.
    """

    settings: Settings
    kind: Kind
    label: str
    made_at: int
    stamped_at: int | None
    formats: tuple[Format, ...]
    language: Language | None
    folder: Path
    email: bool


class Told(NamedTuple):
    """What became of one organisation's export."""

    line: str
    failed: bool


def export(
    context: typer.Context,
    *,
    week: Annotated[
        str | None, typer.Option(help="Which week: 2026-W47, last or current.", metavar="WEEK")
    ] = None,
    month: Annotated[
        str | None, typer.Option(help="Which month: 2026-11, last or current.", metavar="MONTH")
    ] = None,
    year: Annotated[
        str | None, typer.Option(help="Which year: 2026, last or current.", metavar="YEAR")
    ] = None,
    organisation: Annotated[
        list[str] | None, typer.Option(help="Only of this one; may be repeated.", metavar="NAME")
    ] = None,
    lang: Annotated[
        Literal["sv", "en"] | None,
        typer.Option(help="Language.", show_default="the organisation's `exports.language`"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write into.", show_default="`exports.folder`"),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help=f"Only in this form, may be repeated: {', '.join(FORMATS)}.",
            show_default="`exports.formats`",
            metavar="FORMAT",
        ),
    ] = None,
    email: Annotated[
        bool, typer.Option("--email", help="Mail it to the organisation's `exports.mail`.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="As of then, e.g. 2026-11-23T06:00+01:00: nothing later is known.",
            show_default="now",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The folder of the configuration.", show_default="config")
    ] = None,
) -> None:
    """Write the numbers of a week, month or year into files, from the history in Redis."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = load_settings(config)
        kind, label = _period(week, month, year)
        forms = _formats(formats or settings.cluster.exports.formats)
        chosen = _chosen(settings, organisation or [])
        made_at, stamped_at = _instants(settings, as_of, chosen)
        order = Order(
            settings=settings,
            kind=kind,
            label=label,
            made_at=made_at,
            stamped_at=stamped_at,
            formats=forms,
            language=lang,
            folder=out or settings.cluster.exports.folder,
            email=email,
        )
        # For what is wrong with it everywhere: told once, not for each organisation.
        _period_of(order, settings.organisations[chosen[0]])
    except KontaktpulsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    failed = False
    for told in _made(order, chosen):
        typer.echo(told.line, err=told.failed)
        failed |= told.failed
    if failed:
        raise typer.Exit(1)


def _chosen(settings: Settings, names: Sequence[str]) -> list[str]:
    """Those that were named, each once, or all of which anything is known."""
    for name in names:
        if name not in settings.organisations:
            msg = f"`{name}` is no organisation of `{settings.config_dir}`; "
            raise ExportError(msg + suggestion(name, settings.organisations))
    redis = connect(settings.cluster)
    try:
        known = has_days(redis, names or list(settings.organisations))
    finally:
        redis.close()
    if not names and not any(known.values()):
        msg = "redis holds no history; if it was emptied, write `kontaktpuls redis rebuild`"
        raise ExportError(msg)
    return list(known) if names else [name for name, found in known.items() if found]


def _formats(names: Sequence[str]) -> tuple[Format, ...]:
    for name in names:
        if name not in FORMATS:
            msg = f"--format: there is no `{name}`; {suggestion(name, FORMATS)}"
            raise ExportError(msg)
    return tuple(form for form in FORMATS if form in names)


def _period(week: str | None, month: str | None, year: str | None) -> tuple[Kind, str]:
    kinds: tuple[tuple[Kind, str | None], ...] = (("week", week), ("month", month), ("year", year))
    given = [(kind, label) for kind, label in kinds if label is not None]
    if len(given) != 1:
        msg = "write one of `--week 2026-W47`, `--month 2026-11` and `--year 2026`; `last` and "
        msg += "`current` will do as well"
        raise ExportError(msg)
    return given[0]


def _instants(
    settings: Settings, as_of: str | None, names: Sequence[str]
) -> tuple[int, int | None]:
    """The clock of the export, and the time its files are stamped with."""
    epoch = os.environ.get(EPOCH)
    if epoch and not epoch.isdecimal():
        msg = f"{EPOCH}: `{epoch}` is no number of seconds since 1970; unset it"
        raise ExportError(msg)
    stamped_at = int(epoch) * SECOND if epoch else None
    asked = read_as_of(as_of, settings.organisations)
    if asked is not None:
        return asked, stamped_at
    if stamped_at is not None:
        return stamped_at, stamped_at
    if settings.cluster.clock == "wall":
        return wall_clock(), None
    # What is played or replayed has a clock of its own: that of its newest event.
    redis = connect(settings.cluster)
    try:
        newest = newest_truth(redis, names)
    finally:
        redis.close()
    return wall_clock() if newest is None else newest, None


def _period_of(order: Order, organisation: Organisation) -> Period:
    """Which period is meant, by the organisation's clock.

    Raises:
        KontaktpulsError: there is no such one, or it has not begun.
    """
    now = Period.at(order.made_at, order.kind, organisation.zone)
    if order.label in {"current", "last"}:
        return now if order.label == "current" else now.before
    period = Period.parse(order.label, order.kind)
    if period.span(organisation.zone)[0] > order.made_at:
        at = to_rfc3339(order.made_at, organisation.zone)
        msg = f"`{period.label}` has not begun at {at[:16]}; write an earlier {order.kind}"
        raise ExportError(msg)
    return period


def _made(order: Order, names: Sequence[str]) -> Iterator[Told]:
    """Every organisation in turn; many of them on all cores."""
    processes = min(len(names), os.cpu_count() or 1)
    if processes == 1 or len(names) <= FEW:
        yield from (_told(order, name) for name in names)
        return
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), die_with_parent
    ) as pool:
        # The settings of hundreds of organisations travel once for each share of the work.
        share = max(1, len(names) // (8 * processes))
        yield from pool.map(partial(_told, order), names, chunksize=share)


def _told(order: Order, name: str) -> Told:
    try:
        return Told(_export(order, order.settings.organisations[name]), failed=False)
    except (KontaktpulsError, OSError) as error:
        return Told(f"{name}: {error}", failed=True)


def _export(order: Order, organisation: Organisation) -> str:
    """Make one, put it in its place, mail it if asked to; what to say of it."""
    period = _period_of(order, organisation)
    place = order.folder / organisation.name / period.label
    language = order.language or organisation.exports.language
    # A set tells one truth: what it held in other forms is made anew with the rest.
    before = read_manifest(place)
    present = wish_of(() if before is None else before.sums)
    wish = Wish(
        tuple(dict.fromkeys((*order.formats, *present.formats))),
        tuple(dict.fromkeys((language, *present.languages))),
        order.stamped_at,
    )
    sweep([place.parent])
    maker = Maker(order.settings)
    try:
        made = maker.make(organisation, period, order.made_at, wish, now=wall_clock())
        publish_instead(write_hidden(place, made.files, made.about), place)
        said = [f"{organisation.name} {period.label}: {_completeness(made.export)}"]
        said.append(f"{len(made.files)} files in {place}")
        if order.email:
            said.append(_mail(maker, place, organisation, language))
    finally:
        maker.close()
    return "; ".join(said)


def _mail(maker: Maker, place: Path, organisation: Organisation, language: Language) -> str:
    count = len(organisation.exports.mail)
    if not count:
        return "mailed to nobody, as `exports.mail` of the organisation names none"
    manifest = read_manifest(place)
    if manifest is None:
        msg = f"`{place}` was changed by somebody else at the same time, and is not mailed"
        raise ExportError(msg)
    letter = maker.write_letter(place, manifest, organisation, language=language, again=True)
    send_mail(maker.settings.cluster.exports.smtp, letter, organisation.zone)
    return f"mailed to {count}"


def _completeness(export: Export) -> str:
    """How far the numbers can be trusted, in one line."""
    quality = export.quality
    if parse_rfc3339(export.made_at) < parse_rfc3339(export.end):
        return f"still running, known until {(export.as_of or 'never')[:16]}"
    if not quality.complete:
        behind = [source for source in quality.sources if source.covered < 1]
        said = [
            f"{source.name or source.channel} "
            + ("was never heard of" if source.through is None else f"until {source.through[:16]}")
            for source in behind[:MOST_SOURCES]
        ]
        more = len(behind) - len(said)
        return "incomplete, " + ", ".join([*said, *([f"and {more} more"] if more else [])])
    if quality.final:
        return "complete and final"
    pending = sum(channel.pending for channel in quality.channels)
    return f"complete, {pending} promises are undecided"
