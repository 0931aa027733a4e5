"""From Redis to the files of one export: read, compose, show in every form asked for."""

from __future__ import annotations

import re
from functools import cached_property
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Final, NamedTuple

from agents.exports.csv_file import csv_file
from agents.exports.files import MANIFEST, Manifest
from agents.exports.json_file import json_file
from agents.exports.mail import MEDIA_TYPES, Letter, message_id
from agents.exports.page import html_file
from agents.exports.pdf import pdf_file
from agents.exports.reading import connect, read_known
from agents.exports.rejected import count_rejected
from agents.exports.summary import summary
from agents.exports.xlsx_file import xlsx_file
from agents.settings.exports import FORMATS, Format
from streams.exports.compose import compose
from streams.instants import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from redis import Redis

    from agents.exports.rejected import Rejected
    from agents.settings import Settings
    from streams.exports.hourly import HourlyHistory
    from streams.exports.model import Export
    from streams.exports.periods import Period
    from streams.exports.schedule import Due
    from streams.exports.truth import Truth
    from streams.organisations import Channel, Language, Organisation

SUMMARY: Final = "txt"
"""Every set holds its summary, as it stands in the mail: the first line is the subject."""
FORMATS_FOR_PROGRAMS: Final[frozenset[Format]] = frozenset({"json", "openmetrics"})
"""They say the same in every language."""

_NAME = re.compile(r"kontaktpuls-.+?(?:\.(sv|en))?\.([a-z]+)")


class Wish(NamedTuple):
    """In which forms and languages something is exported, and what instant files are stamped with.

    Attributes:
        stamped_at: as the time they were made at; `None` = when they really were.
    """

    formats: Collection[Format]
    languages: Collection[Language]
    stamped_at: int | None = None


class Made(NamedTuple):
    """An export and its files."""

    export: Export
    files: dict[str, bytes]

    @property
    def about(self) -> Manifest:
        """What the set says about itself."""
        export = self.export
        return Manifest(
            organisation=export.organisation,
            period=export.period.label,
            kind=export.period.kind,
            made_at=export.made_at,
            as_of=export.as_of,
            complete=export.quality.complete,
            final=export.quality.final,
        )


class Maker:
    """Makes exports one after the other on one connection to Redis.

    Attributes:
        settings: of everything.
    """

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked yet."""
        self.settings = settings
        self._rejected: dict[tuple[int, int], Rejected | None] = {}

    @cached_property
    def redis(self) -> Redis:
        """The connection; `ReadingError` where none is configured."""
        return connect(self.settings.cluster)

    def close(self) -> None:
        """Give back the connection."""
        if "redis" in self.__dict__:
            self.redis.close()

    def make(
        self, organisation: Organisation, period: Period, made_at: int, wish: Wish, *, now: int
    ) -> Made:
        """Everything that was wished for, by the names of the files.

        Args:
            organisation: whose.
            period: which week, month or year.
            made_at: instant of the export; later than this nothing is known.
            wish: in which forms.
            now: the instant, to know what Kafka still keeps.

        Raises:
            ReadingError, HistoryError, PdfError: it cannot be made; says what to do.
        """
        known = read_known(
            self.redis, organisation, period, made_at, by_hour="openmetrics" in wish.formats
        )
        rejected = self._rejected_in(period.span(organisation.zone), now)
        letters = None if rejected is None else rejected.get(organisation.name, {})
        export = compose(known.history, known.truths, letters)
        stamped_at = made_at if wish.stamped_at is None else wish.stamped_at
        files: dict[str, bytes] = {}
        for language in wish.languages:
            said = summary(export, language)
            name = file_name(organisation.name, period, SUMMARY, language)
            files[name] = f"{said.subject}\n\n{said.text}".encode()
        if "json" in wish.formats:
            files[file_name(organisation.name, period, "json")] = json_file(export)
        if known.hourly is not None:
            truths = {channel: truth.until(made_at) for channel, truth in known.truths.items()}
            past = _past(known.hourly, truths)
            files[file_name(organisation.name, period, "openmetrics")] = past
        for form in (form for form in wish.formats if form not in FORMATS_FOR_PROGRAMS):
            for language in wish.languages:
                content = _for_people(form, export, language, stamped_at)
                files[file_name(organisation.name, period, form, language)] = content
        return Made(export, files)

    def make_due(self, due: Due, made_at: int) -> tuple[Manifest, dict[str, bytes]]:
        """A week that is due, as configured; see `make`."""
        organisation = self.settings.organisations[due.organisation]
        wish = Wish(self.settings.cluster.exports.formats, (organisation.exports.language,))
        made = self.make(organisation, due.week, made_at, wish, now=made_at)
        return made.about, made.files

    def write_letter(
        self,
        place: Path,
        manifest: Manifest,
        organisation: Organisation,
        *,
        language: Language | None = None,
        again: bool = False,
    ) -> Letter:
        """The mail about a set that is in its place, made of its files.

        Args:
            place: the set's folder.
            manifest: of the set.
            organisation: whose recipients get it.
            language: of the set, unless it is theirs.
            again: somebody sends it on purpose, so that it has an id of its own; otherwise mail
                programs would take it for one they have shown already.
        """
        cluster = self.settings.cluster
        sender = cluster.exports.smtp.sender
        about = [cluster.app_id, organisation.name, manifest.period]
        made_at = parse_rfc3339(manifest.made_at)
        if again:
            about.append(str(made_at))
        names = {name: _NAME.fullmatch(name) for name in manifest.sums}
        chosen = {
            match[2]: name
            for name, match in names.items()
            if match is not None and match[1] == (language or organisation.exports.language)
        }
        subject, _, text = (place / chosen[SUMMARY]).read_text(encoding="utf-8").partition("\n\n")
        return Letter(
            message_id=message_id(sender, *about),
            sent_at=made_at,
            sender=sender,
            recipients=organisation.exports.mail,
            subject=subject,
            text=text,
            attachments={
                chosen[kind]: (place / chosen[kind]).read_bytes()
                for kind in MEDIA_TYPES
                if kind in chosen
            },
        )

    def _rejected_in(self, span: tuple[int, int], now: int) -> Rejected | None:
        if span not in self._rejected:
            settings = self.settings
            self._rejected[span] = count_rejected(
                settings.cluster, span, settings.organisations, now=now
            )
        return self._rejected[span]


def file_name(
    organisation: str, period: Period, ending: str, language: Language | None = None
) -> str:
    """What a file is called, so that it says what it is wherever it is sent on.

    >>> from streams.exports.periods import Period
    >>> file_name("skara", Period("week", 2026, 47), "pdf", "sv")
    'kontaktpuls-skara-2026-W47.sv.pdf'
    """
    spoken = "" if language is None else f".{language}"
    return f"kontaktpuls-{organisation}-{period.label}{spoken}.{ending}"


def wish_of(names: Collection[str]) -> Wish:
    """In which forms and languages the files of a set are."""
    found = [match for name in names if name != MANIFEST and (match := _NAME.fullmatch(name))]
    spoken = {match[1] for match in found}
    endings = {match[2] for match in found}
    languages: tuple[Language, ...] = ("sv", "en")
    return Wish(
        [form for form in FORMATS if form in endings],
        [language for language in languages if language in spoken],
    )


def _past(hourly: HourlyHistory, truths: Mapping[Channel, Truth]) -> bytes:
    # It knows the boards, which take a second to import and which nothing else here needs.
    module = import_module("agents.exports.openmetrics_file")
    written: bytes = module.openmetrics_file(hourly.parts(truths), hourly.first, hourly.last)
    return written


def _for_people(form: Format, export: Export, language: Language, stamped_at: int) -> bytes:
    version = metadata.version("kontaktpuls")
    if form == "csv":
        return csv_file(export, language)
    if form == "xlsx":
        return xlsx_file(export, language, version, created=stamped_at)
    if form == "html":
        return html_file(export, language, version)
    return pdf_file(export, language, version, stamped_at)
