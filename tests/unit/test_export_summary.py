"""The text of the mail: short, honest first, and one line each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from agents.exports.summary import MOST_PROMISES, MOST_REASONS, summary
from streams.exports.model import SourceQuality
from tests.sample_export import sample_export

if TYPE_CHECKING:
    from streams.organisations import Language

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_mail_reads_as_written_down(language: Language) -> None:
    """Write the new text into the golden file where a change of it is meant."""
    said = summary(sample_export(), language)
    golden = (GOLDEN / f"export-mail.{language}.txt").read_text("utf-8")

    assert f"{said.subject}\n\n{said.text}" == golden
    assert 10 <= len(said.text.splitlines()) <= 20


def test_the_subject_says_how_far_to_trust_it() -> None:
    """Whoever only sees the list of mails sees it too."""
    quality = sample_export().quality
    final = sample_export(quality=replace(quality, complete=True, final=True))
    provisional = sample_export(quality=replace(quality, complete=True))

    assert summary(sample_export(), "sv").subject.endswith("(inte fullständig)")
    assert summary(provisional, "sv").subject.endswith("(preliminär)")
    assert summary(final, "sv").subject.endswith("2026")
    assert summary(final, "en").text.startswith(
        "Week 47, 16\N{EN DASH}22 November 2026: complete and final.\n"
    )


def test_names_cannot_add_lines_or_headers() -> None:
    """A line break in a name stays out of the header and the text."""
    said = summary(sample_export(sv="Kommun\r\nBcc: somebody@example.org\n.\n"), "sv")

    assert said.subject.startswith("Kommun Bcc: somebody@example.org . : vecka 47")
    assert "\r" not in said.text


def test_a_long_list_is_cut_and_says_so() -> None:
    """Twelve queues with a promise of their own and nine silent sources still fit a phone."""
    export = sample_export()
    calls = export.sections[0]
    total, queue, *_ = calls.parts
    parts = (total, *(replace(queue, name=f"q{n}", sv=f"Kö {n}") for n in range(12)))
    sources = tuple(
        SourceQuality(name=f"s{n}", channel="calls", through=None, covered=0.0) for n in range(9)
    )
    export = replace(
        export,
        sections=(replace(calls, parts=parts), *export.sections[1:]),
        quality=replace(export.quality, sources=sources),
    )
    lines = summary(export, "sv").text.splitlines()
    promises = 1 + 12 + 1
    reasons = 9 + 1

    assert f"... och {reasons - MOST_REASONS + 1} till i rapporten." in lines
    assert f"... och {promises - MOST_PROMISES + 1} till i rapporten." in lines
    assert len(lines) <= 22


def test_no_data_is_said_in_words() -> None:
    """A mail has no dashes to look up."""
    export = sample_export()
    sections = tuple(
        replace(
            section,
            parts=tuple(
                replace(
                    part,
                    rows=tuple(replace(row, now=replace(row.now, value=None)) for row in part.rows),
                )
                for part in section.parts
            ),
        )
        for section in export.sections
    )

    assert (
        "svar inom 2 min: ingen uppgift" in summary(replace(export, sections=sections), "sv").text
    )
