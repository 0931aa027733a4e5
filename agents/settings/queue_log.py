"""`config/sources/exchange.yaml`: an Asterisk whose queue_log is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from agents.settings.addresses import FileName  # noqa: TC001 - pydantic reads it at run time
from agents.settings.document import read_document
from agents.settings.problems import Problem, SettingsError, quoted, suggestion
from agents.settings.source_file import SourceFile, load_source
from agents.settings.values import Duration, Label, Slug, as_list, from_to, parse_label, parse_slug
from streams.instants import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from streams.organisations import Organisation

COMMAND_LINE = "command line"
KEYS = frozenset("0123456789*#")


def parse_keys(value: object) -> str:
    """What a caller presses: digits, `*` and `#`."""
    text = str(value)
    if isinstance(value, bool) or not text or set(text) - KEYS:
        msg = f'{quoted(value)} is on no telephone; write what the caller presses, e.g. `"2"`'
        raise ValueError(msg)
    return text


class QueueLogSource(SourceFile):
    """The whole file.

    Attributes:
        organisation: whose calls these are.
        source: the name its heartbeats carry, as the organisation's file says it.
        file: where Asterisk writes it; `None` = as the command line says.
        state_dir: where it is kept how far was read; `None` = in `data_dir`.
        margin: how long after it happened a line may be written (microseconds).
        queues: queues as Asterisk names them, and as the organisation's file does.
        callback_keys: what a caller presses to be called back.
    """

    kind: Literal["asterisk-queue-log"] = Field(examples=["asterisk-queue-log"])
    organisation: Slug = Field(examples=["exempelkommun"])
    source: Label = Field(default="exchange", examples=["exchange"])
    file: FileName | None = Field(default=None, examples=["/var/log/asterisk/queue_log"])
    state_dir: FileName | None = Field(default=None, examples=["/var/lib/kontaktpuls/exchange"])
    margin: Annotated[Duration, from_to("1 s", "10 min")] = Field(
        default=2 * SECOND, examples=["2 s"]
    )
    queues: dict[str, Label] = Field(default={}, examples=['{"1501": vaxel}'])
    callback_keys: Annotated[
        list[Annotated[str, PlainValidator(parse_keys)]], BeforeValidator(as_list)
    ] = Field(default=[], examples=['["2"]'])


def load_queue_log(path: Path) -> QueueLogSource:
    """The settings in a file; `SettingsError` with every problem of it."""
    return load_source(path, QueueLogSource)


def live_queue_log(
    organisations: Mapping[str, Organisation],
    *,
    settings: Path | None,
    file: Path | None = None,
    organisation: str | None = None,
    source: str | None = None,
    state_dir: Path | None = None,
) -> tuple[QueueLogSource, Path]:
    """How to follow which log: the settings' file, overridden by the command line.

    File names in the settings are relative to the file they stand in.

    Raises:
        SettingsError: with every problem, also of names that the organisations do not know.
    """
    problems = list(_bad_options(organisation, source))
    if settings is None and organisation is None:
        message = "whose calls are these? Write `--organisation`, or `--settings` with a file that "
        problems.append(Problem(COMMAND_LINE, 0, "--organisation", message + "says it"))
    if problems:
        raise SettingsError(problems)
    given = {
        key: value
        for key, value in (
            ("file", file),
            ("organisation", organisation),
            ("source", source),
            ("state_dir", state_dir),
        )
        if value is not None
    }
    if settings is None:
        found = QueueLogSource(kind="asterisk-queue-log", organisation=organisation or "")
    else:
        found = load_queue_log(settings)
        beside = {"file": found.file, "state_dir": found.state_dir}
        paths = {key: settings.parent / path for key, path in beside.items() if path is not None}
        found = found.model_copy(update=paths)
    found = found.model_copy(update=given)
    unknown = dict(_unknown_names(found, organisations))
    if found.file is not None and not unknown:
        return found, found.file
    if found.file is None:
        unknown["file"] = "is missing; write where Asterisk writes its queue_log"
    raise SettingsError(_told(unknown, given, settings))


def _bad_options(organisation: str | None, source: str | None) -> Iterator[Problem]:
    for option, value, parse in (
        ("--organisation", organisation, parse_slug),
        ("--source", source, parse_label),
    ):
        if value is None:
            continue
        try:
            parse(value)
        except ValueError as error:
            yield Problem(COMMAND_LINE, 0, option, str(error))


def _unknown_names(
    found: QueueLogSource, organisations: Mapping[str, Organisation]
) -> Iterator[tuple[str, str]]:
    organisation = organisations.get(found.organisation)
    if organisation is None:
        near = suggestion(found.organisation, organisations)
        yield "organisation", f"{quoted(found.organisation)} is not configured; {near}"
        return
    known = [source.name for source in organisation.sources if source.channel == "calls"]
    if found.source not in known:
        near = suggestion(found.source, known)
        if not known:
            near = f"write `- {{name: {found.source}, channel: calls}}` under its `sources`"
        yield (
            "source",
            f"{quoted(found.source)} is no source of calls of `{organisation.name}`; {near}",
        )


def _told(
    unknown: Mapping[str, str], given: Mapping[str, object], settings: Path | None
) -> Iterator[Problem]:
    """Each problem where the operator wrote what is wrong, or would write what is missing."""
    document = None
    if settings is not None:
        document = read_document(settings.read_text(encoding="utf-8-sig"), str(settings))
    for key, message in unknown.items():
        if document is not None and key not in given:
            absent = None if (key,) in document.lines else key
            yield document.report((key,), message, absent=absent)
        else:
            place = "FILE" if key == "file" else f"--{key}"
            yield Problem(COMMAND_LINE, 0, place, message)
