"""The page of an export: what it says is what the model says, to everybody, and nothing else."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from agents.exports import colours
from agents.exports.page import html_file, page
from streams.conventions import TOTAL
from streams.exports.chapters import BESIDE, DETAILS
from streams.exports.model import Chart, Export, Figure, HeatCell, Part, Row
from streams.exports.periods import Period
from streams.exports.sentences import row_name
from streams.exports.words import WORDS
from streams.kpis import KPIS
from tests.all_words import leaves
from tests.html_pages import Node, read_html, rows_of
from tests.sample_export import sample_export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.organisations import Channel, Language

VERSION = "1.2.3"
NONE = Figure()
REPEATED = "first_reply_share"
"""Any human reply meets the sample's e-mail promise."""
LANGUAGES: tuple[Language, ...] = ("sv", "en")
in_both_languages = pytest.mark.parametrize("language", LANGUAGES)


def read(export: Export, language: Language = "sv") -> Node:
    """The page as a tree."""
    return read_html(page(export, language, VERSION))


def with_rows(export: Export, change: Any) -> Export:
    """The same with every row changed."""
    return replace(
        export,
        sections=tuple(
            replace(
                section,
                parts=tuple(
                    replace(part, rows=tuple(change(row) for row in part.rows))
                    for part in section.parts
                ),
            )
            for section in export.sections
        ),
    )


def with_parts(export: Export, channel: Channel, parts: tuple[Part, ...]) -> Export:
    """The same with other queues, mailboxes or desks."""
    sections = (
        replace(section, parts=parts) if section.channel == channel else section
        for section in export.sections
    )
    return replace(export, sections=tuple(sections))


def table(root: Node, caption: str, nth: int = 0) -> Node:
    """The table with a caption."""
    found = [t for t in root.all("table") if t.first("caption").text.startswith(caption)]
    return found[nth]


def value_of(text: str, language: Language) -> tuple[float | None, float]:
    """What a cell says, and half a unit of its last digit."""
    if text == "\N{EN DASH}":
        return None, 0.0
    words = WORDS[language]
    plain = text.replace(words.thousands.replace("\N{NO-BREAK SPACE}", " "), "")
    plain = plain.replace(" ", "").replace(words.decimal, ".")
    if match := re.fullmatch(r"([\d.]+)%", plain):
        return float(match[1]) / 100, 0.0005
    if match := re.fullmatch(r"(\d+)(?:tim|h)(\d+)min", plain):
        return 3600 * int(match[1]) + 60 * int(match[2]), 30.0
    if match := re.fullmatch(r"(?:(\d+)min)?(\d+)s(?:ec)?", plain):
        return 60 * int(match[1] or 0) + int(match[2]), 0.5
    return float(plain), 0.05 if "." in plain else 0.5


def agrees(text: str, value: float | None, language: Language) -> bool:
    """Whether a cell shows a value at its own precision."""
    told, half = value_of(text, language)
    if told is None or value is None:
        return told is value
    return abs(told - value) <= half * (1 + 1e-9)


def shown_rows(export: Export) -> Iterator[tuple[int, Channel, Row]]:
    """What the tables of key figures show, and the how manieth table that is."""
    nth = -1
    for section in export.sections:
        if section.channel == "surveys":
            continue
        nth += 1
        for part in section.parts:
            for row in part.rows if part.name == TOTAL else ():
                if row.kpi not in DETAILS[section.channel] and row.kpi != REPEATED:
                    yield nth, section.channel, row


@in_both_languages
def test_key_figures_are_those_of_the_model(language: Language) -> None:
    """Every number of every period stands in its row and column, to the last digit shown."""
    export = sample_export()
    root = read(export, language)
    compared = 0
    names: dict[int, set[str]] = {}
    for nth, channel, row in shown_rows(export):
        name = row_name(channel, row, language).replace("\N{NO-BREAK SPACE}", " ")
        names.setdefault(nth, set()).add(name)
    for nth, channel, row in shown_rows(export):
        cells = rows_of(table(root, WORDS[language].key_figures, nth))
        name = row_name(channel, row, language).replace("\N{NO-BREAK SPACE}", " ")
        now, basis, interval, before, year_before, recent, _ = cells[name]
        figures = (row.now, row.before, row.year_before, row.recent)
        for text, figure in zip((now, before, year_before, recent), figures, strict=True):
            assert agrees(text, figure.value, language), (name, text, figure)
        numbers = [
            int(number) for number in re.findall(r"\d+", re.sub(r"(?<=\d)[ ,](?=\d)", "", basis))
        ]
        assert set(cells) == names[nth]
        assert numbers == [n for n in (row.now.numerator, row.now.n) if n is not None], name
        if row.now.lower is not None and row.now.upper is not None:
            low, high = interval.rstrip("% ").split("\N{EN DASH}")
            assert agrees(f"{low}%", row.now.lower, language)
            assert agrees(f"{high}%", row.now.upper, language)
        compared += 1

    assert compared >= 25


@in_both_languages
def test_tiles_say_each_promise_once(language: Language) -> None:
    """A promise to everybody has a tile, one to a single queue another, each with its target."""
    export = sample_export()
    tiles = [node for node in read(export, language).all("li") if "tile" in node.classes]
    values = [next(tile.all("p")).text for tile in tiles]
    rows = [
        row
        for section in export.sections
        for part in section.parts
        for row in part.rows
        if row.target is not None and (part.name == TOTAL or row.promise.startswith("switchboard"))
    ]

    assert len(tiles) == len(rows) == 3
    for text, row in zip(values, rows, strict=True):
        assert agrees(text, row.now.value, language)
    assert [tile.classes[1] for tile in tiles] == [
        "reached",
        "missed",
        "perhaps",
    ]


def test_queues_show_volume_and_promises() -> None:
    """Each queue has its own numbers, and a line for each of its promises."""
    export = sample_export()
    parts = export.sections[0].parts[1:]
    bodies = list(table(read(export), "Per kö").all("tbody"))

    assert len(bodies) == len(parts)
    for body, part in zip(bodies, parts, strict=True):
        lines = list(body.all("tr"))
        promised = [row for row in part.rows if row.kpi == "service_level"]
        assert body.first("th").text == part.sv
        cells = [cell.text for cell in lines[0].all("td")]
        asked = (("offered", ""), *BESIDE["calls"])
        for text, (kpi, choice) in zip(cells, asked, strict=False):
            row = next(r for r in part.rows if (r.kpi, r.choice) == (kpi, choice))
            assert agrees(text, row.now.value, "sv"), kpi
        for line, row in zip(lines, promised, strict=True):
            share, *_ = [c.text for c in line.all("td") if c.attributes.get("class") == "now"]
            assert agrees(share, row.now.value, "sv")


def test_heat_maps_topics_and_surveys_are_those_of_the_model() -> None:
    """Every hour of the week, every topic and every question is told right."""
    export = sample_export()
    root = read(export)
    calls, _, surveys, _ = export.sections
    for heat_map, caption in zip(
        calls.parts[0].heat_maps, ("Inkomna samtal: Per", "Svar inom 2 min: Per"), strict=True
    ):
        rows = list(rows_of(table(root, caption)).values())
        for cell in heat_map.cells:
            text = rows[cell.weekday][cell.hour - 7]
            shown = f"{text}%" if heat_map.promise and cell.figure.n else text
            told, half = value_of(shown, "sv")
            assert (told is None) == (cell.figure.value is None)
            if told is not None and cell.figure.value is not None:
                assert abs(told - cell.figure.value) <= half * (10 if heat_map.promise else 1)
    topics = rows_of(table(root, "Vanligaste ämnen"))
    for topic in calls.topics:
        figures = (topic.handled, topic.before, topic.share, topic.resolution, topic.coded_share)
        for text, figure in zip(topics[topic.name or "Övriga ämnen"], figures, strict=True):
            assert agrees(text, figure.value, "sv"), (topic.name, text)
    index = rows_of(table(root, "Index per fråga"))
    asked = {row.choice: row for row in surveys.parts[0].rows if row.kpi == "index"}
    assert agrees(index["Telefon, Bemötande"][0], asked["bemotande"].now.value, "sv")
    assert index["Telefon, Bemötande"][1] == "Kan publiceras: 140 svar, 100 behövs"
    assert index["Telefon, Enkelhet"][1] == "Bör inte publiceras: 70 svar, 100 behövs"
    assert "Telefon, Tydlighet" not in index


def test_quality_is_that_of_the_model() -> None:
    """How far each source has told, silent hours, what is undecided, and what was rejected."""
    root = read(sample_export())
    sources, channels = rows_of(table(root, "Källor")), rows_of(table(root, "Per kanal"))

    assert sources["mailbox"] == ["E-post", "2026-11-19 14:12", "51,3 %"]
    assert sources["queue-tickets"] == ["Besök", "\N{EN DASH}", "0,0 %"]
    assert channels["E-post"] == ["48", "19", "117", "18", "13,3 %"]
    assert channels["Besök"] == ["48", "2", "", "", ""]
    assert "ogiltig tid: 3, okänd organisation: 1" in root.text


def of_quality(export: Export, **changes: Any) -> Export:
    """The same with another quality."""
    return replace(export, quality=replace(export.quality, **changes))


def banner(export: Export, language: Language = "sv") -> tuple[str, str]:
    """What the banner looks like, and what it says."""
    found = next(s for s in read(export, language).all("section") if "banner" in s.classes)
    return found.classes[1], found.text


def test_the_banner_is_honest() -> None:
    """Final, provisional and incomplete weeks say so first, and why."""
    export = sample_export()
    heard = tuple(
        replace(source, through="2026-11-23T05:59:00+01:00", covered=1.0)
        for source in export.quality.sources
    )
    running = replace(of_quality(export, sources=heard), made_at="2026-11-20T12:00:00+01:00")
    unknown = replace(
        of_quality(export, sources=tuple(replace(s, through=None) for s in heard)), as_of=None
    )

    assert " ".join(banner(export)) == (
        "incomplete Inte fullständig mailbox (E-post) har inte berättat något sedan "
        "2026-11-19 14:12. queue-tickets (Besök) har aldrig hörts av. "
        "18 mejl har ännu tid kvar till svar."
    )
    assert " ".join(banner(of_quality(export, complete=True, sources=heard))) == (
        "provisional Preliminär 18 mejl har ännu tid kvar till svar. "
        "Andelarna kan ändras tills allt är avgjort."
    )
    assert " ".join(banner(of_quality(export, complete=True, final=True), "en")) == (
        "final Complete and final All sources have told everything, and every promise is decided."
    )
    assert banner(running)[1].startswith("Pågår ännu Veckan är inte slut ännu.")
    assert "Ingenting är känt om perioden." in banner(unknown)[1]


def test_a_channel_whose_source_fell_silent_says_so_itself() -> None:
    """Whoever looks up e-mail only must not miss that its numbers stop on Thursday."""
    sections = {s.attributes["aria-labelledby"]: s for s in read(sample_export()).all("section")}

    assert "mailbox (E-post) har inte berättat" in sections["emails"].text
    assert "har inte berättat" not in sections["calls"].text


@pytest.mark.parametrize(("hours", "end", "said"), [
    (169, "2026-10-26T00:00:00+01:00", "169 timmar, en fler än vanligt"),
    (167, "2026-10-26T00:00:00+02:00", "167 timmar, en färre än vanligt"),
    (168, "2026-10-26T00:00:00+02:00", None),
])  # fmt: skip
def test_weeks_of_clock_changes_explain_their_hours(hours: int, end: str, said: str | None) -> None:
    """Nobody has to wonder where an hour has gone."""
    export = sample_export(start="2026-10-19T00:00:00+02:00", end=end, hours=hours)

    told = read(export).text
    assert said in told if said else "än vanligt: klockan" not in told


@in_both_languages
def test_structure_is_that_of_a_document(language: Language) -> None:
    """One first heading, none skipped, every table and picture named, every head with its scope."""
    root = read(sample_export(), language)
    levels = [int(node.tag[1]) for node in root.all("h1", "h2", "h3", "h4")]
    idents = [
        node.attributes["id"] for node in root.all("h2", "title", "desc") if "id" in node.attributes
    ]

    assert root.first("html").attributes["lang"] == language
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for one in root.all("table"):
        assert one.first("caption").text
        assert all(head.attributes["scope"] in ("col", "row", "rowgroup") for head in one.all("th"))
        widths = {
            sum(int(cell.attributes.get("colspan", "1")) for cell in row.all("th", "td"))
            for row in one.first("thead").all("tr")
        }
        assert len(widths) == 1
    for picture in root.all("svg"):
        assert picture.attributes["role"] == "img"
        named = picture.attributes["aria-labelledby"].split()
        assert [picture.first(tag).attributes["id"] for tag in ("title", "desc")] == named
        assert picture.first("title").text
        assert picture.first("desc").text
    assert len(idents) == len(set(idents))
    for region in root.all("section"):
        assert region.attributes["aria-labelledby"] in idents
    for node in root.all("div"):
        assert "tabindex" not in node.attributes or node.attributes["aria-label"]
    assert not list(root.all("script", "img", "link", "iframe", "object", "a", "form"))


@in_both_languages
def test_nothing_comes_from_elsewhere(language: Language) -> None:
    """The file is whole: nothing is fetched, in a browser or out of a mail."""
    text = html_file(sample_export(), language, VERSION).decode()
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    text = text.replace("http://exempel.example", "")  # a topic's name

    assert not re.search(r"https?:|//\w|url\(|@import|@font-face|src=|href=|\bon\w+=", text)
    assert "default-src 'none'" in text


def test_names_are_text_and_no_markup() -> None:
    """A queue, topic, source or organisation that is called like a script does nothing."""
    evil = "<script>alert('1')</script>\" onload=\"x"
    export = sample_export(sv=evil)
    calls = export.sections[0]
    parts = tuple(replace(part, sv=evil) if part.name else part for part in calls.parts)
    export = with_parts(export, "calls", parts)
    topics = tuple(replace(topic, name=evil) for topic in calls.topics)
    sections = (replace(export.sections[0], topics=topics), *export.sections[1:])
    sources = tuple(replace(source, name=evil) for source in export.quality.sources)
    export = of_quality(replace(export, sections=sections), sources=sources, dead_letters={evil: 1})
    promised = with_rows(
        export, lambda row: replace(row, promise=evil, within=None) if row.promise else row
    )

    for shown in (export, promised):
        root = read(shown)
        assert not list(root.all("script"))
        assert not any("onload" in node.attributes for node in root.all("svg", "div", "td", "li"))
        assert evil in root.text


@in_both_languages
def test_no_word_of_the_other_language(language: Language) -> None:
    """A Swedish page is Swedish, an English one English."""
    other: Language = "en" if language == "sv" else "sv"
    own = {said for _, said in leaves(WORDS[language])}
    foreign = {said for _, said in leaves(WORDS[other]) if len(said) > 5 and "{}" not in said} - own
    foreign |= {k.named(other) for kpis in KPIS.values() for k in kpis} - {
        k.named(language) for kpis in KPIS.values() for k in kpis
    }
    text = f" {read(sample_export(), language).text} "

    found = [said for said in foreign if re.search(rf"\b{re.escape(said)}\b", text)]
    assert not found


@in_both_languages
def test_the_same_export_is_the_same_page(language: Language) -> None:
    """Byte for byte."""
    assert html_file(sample_export(), language, VERSION) == html_file(
        sample_export(), language, VERSION
    )


@in_both_languages
def test_no_data_is_no_zero(language: Language) -> None:
    """A period of which nothing is known has dashes and words, not a single zero or per cent."""
    empty = with_rows(
        sample_export(as_of=None),
        lambda row: replace(
            row, now=NONE, before=NONE, year_before=NONE, recent=NONE, chart=Chart()
        ),
    )
    sections = tuple(
        replace(s, topics=(), parts=tuple(replace(part, heat_maps=()) for part in s.parts))
        for s in empty.sections
    )
    root = read(replace(empty, sections=sections), language)
    told = {s.attributes["aria-labelledby"]: s.text for s in root.all("section")}

    assert all(WORDS[language].nothing_to_show in told[channel] for channel in KPIS)
    assert not re.search(r"\b0\b", told["summary"])
    assert "\N{EN DASH}" in told["summary"]
    assert not list(root.all("svg"))


def test_twelve_queues_with_long_names_are_all_there() -> None:
    """No queue is left out, however many there are and whatever they are called."""
    export = sample_export()
    total, queue, *_ = export.sections[0].parts
    names = [f"Kundtjänstreceptionsväxeltelefonistsamordningsfunktionen {n}" for n in range(12)]
    parts = tuple(replace(queue, name=f"q{n}", sv=name) for n, name in enumerate(names))
    root = read(with_parts(export, "calls", (total, *parts)))

    assert [body.first("th").text for body in table(root, "Per kö").all("tbody")] == names


def test_a_desk_alone_is_not_told_twice() -> None:
    """A single part is everybody: its table would repeat the key figures."""
    captions = [table.first("caption").text for table in read(sample_export()).all("table")]

    assert "Per kö" in captions
    assert "Per disk" not in captions


def test_a_round_the_clock_centre_has_its_heat_maps_below_the_charts() -> None:
    """Twenty-four columns do not fit beside anything."""
    export = sample_export()
    total, *queues = export.sections[0].parts
    cells = tuple(
        HeatCell(weekday=day, hour=hour, figure=Figure(value=float(hour)))
        for day in range(7)
        for hour in range(24)
    )
    total = replace(total, heat_maps=(replace(total.heat_maps[0], cells=cells),))
    root = read(with_parts(export, "calls", (total, *queues)))
    grids = [node for node in root.all("div") if node.attributes.get("class") == "pictures"]

    assert not list(grids[0].all("table"))
    assert len(rows_of(table(root, "Inkomna samtal: Per"))["sön"]) == 24


def test_shares_of_hours_with_hardly_anybody_are_left_out() -> None:
    """One e-mail an hour is answered in time or not: a map of that shows nothing but chance."""
    export = sample_export()
    emails = export.sections[1]
    total, *mailboxes = emails.parts
    volume, share = total.heat_maps
    lonely = tuple(
        replace(cell, figure=Figure(value=1.0, n=1, numerator=1)) for cell in share.cells
    )
    total = replace(total, heat_maps=(volume, replace(share, cells=lonely)))
    captions = [
        table.first("caption").text
        for table in read(with_parts(export, "emails", (total, *mailboxes))).all("table")
    ]

    assert "Inkomna mejl: Per veckodag och timme" in captions
    assert "Svar inom 2 arbetsdagar: Per veckodag och timme, procent" not in captions


@pytest.mark.parametrize("period", [Period("month", 2026, 11), Period("year", 2026)])
def test_months_and_years_are_called_so(period: Period) -> None:
    """The same page for follow-ups: a year has no year before beside the one before."""
    export = sample_export(period=period, before=period.before, year_before=period.year_before)
    root = read(export)
    head = table(root, "Nyckeltal").first("thead").text

    assert root.first("h1").text.endswith("November 2026" if period.number else " 2026")
    assert head.count("2025") == 1


def test_text_is_readable_for_everybody() -> None:
    """WCAG 2.2, 1.4.3: every text against what it stands on; no colour from outside the palette."""
    text = page(sample_export(), "sv", VERSION)
    known = {one for pair in colours.PAIRS for one in pair} | {colours.LINE, colours.BAND}

    for ink, ground in colours.PAIRS:
        assert contrast(ink, ground) >= 4.5, (ink, ground)
    assert set(re.findall(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b", text)) <= known
    shades = [luminance(ground) for ground, _ in colours.SHADES]
    assert all(darker < lighter for lighter, darker in pairwise(shades))


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Between two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
