"""An export as JSON: the model as it is, and what every KPI in it means.

Times are RFC 3339, shares 0 to 1, times that passed seconds; `null` is no data. The same export
gives the same bytes. docs/export.schema.json says it to programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.exports.model import Export
from streams.kpis import KPIS
from streams.kpis.definition import Kind, Unit
from streams.organisations import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
"""Of the shape: raised when a reader of the old one would misread the new one. Fields may be added
without."""

_ENCODER = msgspec.json.Encoder(order="deterministic")


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What a KPI of the export means; rows name it by channel and KPI.

    Attributes:
        channel: which contacts it is about.
        kpi: its name.
        kind: how it is computed.
        unit: base unit; `ratio` is 0 to 1.
        better: whether more or less of it is good news; empty where it is neither.
        sv, en: what people call it.
        definition_sv, definition_en: what counts and what does not.
        source: where the definition comes from; empty where it is our own.
    """

    channel: Channel
    kpi: str
    kind: Kind
    unit: Unit
    better: str
    sv: str
    en: str
    definition_sv: str
    definition_en: str
    source: str


class Document(Export, frozen=True, kw_only=True):
    """One organisation's week, month or year, with the definitions of its KPIs.

    Attributes:
        version: of this shape.
        definitions: of every KPI that occurs, in the order of the registry.
    """

    version: int = VERSION
    definitions: tuple[Definition, ...] = ()


def json_file(export: Export) -> bytes:
    """The export as one JSON object, in UTF-8."""
    fields = {name: getattr(export, name) for name in Export.__struct_fields__}
    document = Document(**fields, definitions=tuple(definitions_of(export)))
    return _ENCODER.encode(document) + b"\n"


def definitions_of(export: Export) -> Iterator[Definition]:
    """What every KPI that occurs in an export means, in the order of the registry."""
    for section in export.sections:
        shown = {row.kpi for part in section.parts for row in part.rows}
        shown |= {heat_map.kpi for part in section.parts for heat_map in part.heat_maps}
        if section.topics:
            shown |= TOPIC_KPIS
        for kpi in KPIS[section.channel]:
            if kpi.name in shown:
                yield Definition(
                    channel=kpi.channel,
                    kpi=kpi.name,
                    kind=kpi.kind,
                    unit=kpi.unit,
                    better=kpi.better,
                    sv=kpi.sv,
                    en=kpi.en,
                    definition_sv=kpi.definition_sv,
                    definition_en=kpi.definition,
                    source=kpi.source,
                )


TOPIC_KPIS = frozenset({"handled", "coded_share", "resolution"})
"""What is said of a topic in the words of the registry."""
