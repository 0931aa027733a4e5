"""`config/sources/exchange.yaml`: an Asterisk whose queue_log is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from agents.settings.problems import quoted
from agents.settings.source_file import SourceFile, load_source
from agents.settings.values import Label, Slug, as_list

if TYPE_CHECKING:
    from pathlib import Path

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
        queues: queues as Asterisk names them, and as the organisation's file does.
        callback_keys: what a caller presses to be called back.
    """

    kind: Literal["asterisk-queue-log"] = Field(examples=["asterisk-queue-log"])
    organisation: Slug = Field(examples=["exempelkommun"])
    source: Label = Field(default="exchange", examples=["exchange"])
    queues: dict[str, Label] = Field(default={}, examples=['{"1501": vaxel}'])
    callback_keys: Annotated[
        list[Annotated[str, PlainValidator(parse_keys)]], BeforeValidator(as_list)
    ] = Field(default=[], examples=['["2"]'])


def load_queue_log(path: Path) -> QueueLogSource:
    """The settings in a file; `SettingsError` with every problem of it."""
    return load_source(path, QueueLogSource)
