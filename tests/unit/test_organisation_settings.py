"""An organisation's file: what its short forms mean, and what it makes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agents.settings import SettingsError, organisation_from_text
from agents.settings.cluster import ClusterSection
from agents.settings.opening_hours import parse_weekdays
from agents.settings.organisation import OrganisationSection
from agents.settings.promise import DEFAULT_SHORT_ABANDON, PromiseSection
from agents.settings.values import duration_text, parse_duration, parse_share
from streams.calendars import Calendar, CalendarVersion, Hours
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from streams.organisations import Organisation, Part, Promise, Source, Within

HEAD = "display_name: Orust\n"
CALENDARS = "calendars: {default: {hours: {mon-fri: 08:00-16:30}}}\n"
OFFICE = (Hours(opens=480, closes=990),)


def calendar(text: str) -> CalendarVersion:
    """The only version of a calendar written in flow style."""
    versions = organisation_from_text(f"{HEAD}calendars: {{default: {text}}}\n")
    (version,) = versions.calendars["default"].versions
    return version


def problems(text: str) -> list[str]:
    """What is said about an organisation's file, by path."""
    with pytest.raises(SettingsError) as caught:
        organisation_from_text(text)
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


def test_a_whole_organisation_is_built_as_written() -> None:
    """Every section reaches the core with its defaults filled in."""
    built = organisation_from_text(
        """\
display_name: {sv: Tjörn, en: Tjorn}
time_zone: UTC
max_wait: 1 h
queues: {vaxel: Växel, bygg: {sv: Bygglov, en: Permits, calendar: bygg}}
mailboxes: {kontakt: Kontakt}
desks: {reception: Reception}
sources:
  - {name: exchange, channel: calls, queues: vaxel}
  - {name: survey, channel: surveys}
calendars:
  default: {hours: {mon-fri: 08:00-16:30}}
  bygg: {hours: {mon-fri: 08:00-16:30}, holidays: SE, eves: ordinary, half_days: "13:00"}
promises:
  - {name: answered, channel: calls, within: 2 min, target: 80 %, queues: [bygg]}
  - {name: reply, channel: emails, within: 1 working day, target: 85.5 %, met_by: full_answer,
     mailboxes: kontakt, calendar: bygg, valid_from: 2026-09-01}
""",
        "tjorn",
    )
    weekdays = (OFFICE, OFFICE, OFFICE, OFFICE, OFFICE, (), ())
    bygg = CalendarVersion(weekdays=weekdays, country="SE", de_facto=False, half_day_closes=780)

    assert built == Organisation(
        name="tjorn",
        sv="Tjörn",
        en="Tjorn",
        time_zone="UTC",
        max_wait=HOUR,
        queues={
            "vaxel": Part("vaxel", "Växel", "Växel"),
            "bygg": Part("bygg", "Bygglov", "Permits", calendar="bygg"),
        },
        mailboxes={"kontakt": Part("kontakt", "Kontakt", "Kontakt")},
        desks={"reception": Part("reception", "Reception", "Reception")},
        sources=(Source("exchange", "calls", ("vaxel",)), Source("survey", "surveys")),
        calendars={
            "default": Calendar("default", "UTC", (CalendarVersion(weekdays=weekdays),)),
            "bygg": Calendar("bygg", "UTC", (bygg,)),
        },
        promises=(
            Promise(
                name="answered",
                channel="calls",
                within=Within(2 * MINUTE, "elapsed", "2 min"),
                target=0.8,
                parts=("bygg",),
                short_abandon=5 * SECOND,
            ),
            Promise(
                name="reply",
                channel="emails",
                within=Within(1, "working_days", "1 working day"),
                target=0.855,
                parts=("kontakt",),
                met_by="full_answer",
                calendar="bygg",
                valid_from=date(2026, 9, 1),
            ),
        ),
    )


def test_the_defaults_are_those_of_the_core() -> None:
    """A promise that leaves everything optional out is the promise the core documents."""
    text = (
        f"{HEAD}{CALENDARS}promises: [{{name: a, channel: calls, within: 2 min, target: 80 %}}]\n"
    )
    (built,) = organisation_from_text(text).promises

    assert built == Promise(name="a", channel="calls", within=built.within, target=0.8)
    assert built.short_abandon == DEFAULT_SHORT_ABANDON


@pytest.mark.parametrize(
    "written",
    ["08:00-16:30", '"08:00-16:30"', "[08:00-16:30]", "['8:00 - 16:30']", "08:00\u201316:30"],
)
def test_times_mean_the_same_with_and_without_quotes(written: str) -> None:
    """YAML 1.1 would read some of these as numbers to the base of sixty."""
    version = calendar(f"{{hours: {{mon: {written}}}}}")

    assert version.weekdays[0] == OFFICE


def test_a_country_code_may_look_like_a_refusal() -> None:
    """Norway's code, a queue of that name and a key of digits are text, not `false` or a number."""
    text = f"""{HEAD}
queues: {{NO: Norge, 0600: Växel}}
calendars: {{default: {{hours: {{mon: 08:00-16:30}}, holidays: NO}}}}
"""
    built = organisation_from_text(text)

    assert list(built.queues) == ["NO", "0600"]
    assert built.calendars["default"].versions[0].country == "NO"


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("mon", (0,)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("sun-thu", (6, 0, 1, 2, 3)),
        ("tue, thu", (1, 3)),
        ("mon-tue,sat-sun", (0, 1, 5, 6)),
    ],
)
def test_weekdays_are_ranges_and_lists(key: str, days: tuple[int, ...]) -> None:
    """A week may begin on Sunday."""
    assert parse_weekdays(key) == days


def test_the_entry_that_names_fewer_days_wins() -> None:
    """An evening opening on Thursdays needs no second range for the rest of the week."""
    version = calendar("{hours: {thu: 08:00-19:00, mon-fri: 08:00-16:30, wed-thu: closed}}")

    assert version.weekdays == (
        OFFICE,
        OFFICE,
        (),
        (Hours(opens=480, closes=1140),),
        OFFICE,
        (),
        (),
    )


def test_a_closed_date_and_a_short_one_are_told_apart() -> None:
    """`closed` is no interval at all; a date with hours keeps them in order."""
    version = calendar(
        "{hours: {mon: 08:00-16:30}, "
        "dates: {2026-12-24: closed, 2026-05-15: [08:00-10:00, 11:00-12:00]}}"
    )

    assert version.dates == {
        date(2026, 5, 15): (Hours(opens=480, closes=600), Hours(opens=660, closes=720)),
        date(2026, 12, 24): (),
    }


def test_a_calendar_keeps_its_old_versions() -> None:
    """New hours from a day on are another version, so that the days before keep theirs."""
    built = organisation_from_text(
        f"{HEAD}calendars: {{default: [{{valid_from: 2026-09-01, hours: {{mon: 09:00-15:00}}}}, "
        "{hours: {mon: 08:00-16:30}}]}\n"
    )
    before, after = date(2026, 8, 31), date(2026, 9, 7)

    assert built.calendars["default"].hours(before) == OFFICE
    assert built.calendars["default"].hours(after) == (Hours(opens=540, closes=900),)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500 ms", 500 * MILLISECOND),
        ("5 s", 5 * SECOND),
        ("1.5 s", 1500 * MILLISECOND),
        ("2 min", 2 * MINUTE),
        ("36 h", 36 * HOUR),
        ("1 day", DAY),
        ("35days", 35 * DAY),
    ],
)
def test_durations_carry_their_unit(text: str, duration: int) -> None:
    """A duration means the same wherever it is written, to the microsecond."""
    assert parse_duration(text) == duration
    assert parse_duration(duration_text(duration)) == duration


@pytest.mark.parametrize("text", ["80 %", "80%", "80.0 %"])
def test_a_share_is_the_number_people_mean(text: str) -> None:
    """80 % is exactly the 0.8 that a program would write."""
    assert parse_share(text) == 0.8


def test_a_problem_in_one_field_hides_none_in_the_next() -> None:
    """An operator mends a promise in one go, not in as many as it has mistakes."""
    found = problems(
        f"{HEAD}{CALENDARS}promises: [{{name: A, channel: calls, within: 2 min, target: 80, "
        "short_abandon: 3 min, queues: [x], colour: red}]\n"
    )

    assert [line.partition(":")[0] for line in found] == [
        "promises[0].colour",
        "promises[0].name",
        "promises[0].queues[0]",
        "promises[0].short_abandon",
        "promises[0].target",
    ]


def test_a_long_value_is_cut_in_the_message() -> None:
    """A pasted page does not drown the list of problems."""
    (found,) = problems(f"{HEAD}{CALENDARS}time_zone: {'x' * 500}\n")

    assert f"`{'x' * 60}…` is no time zone" in found


LINES = (
    (Path(__file__).parents[2] / "config" / "organisations" / "exempelkommun.yaml")
    .read_text(encoding="utf-8")
    .splitlines()
)


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(LINES) - 1),
            st.sampled_from(["drop", "twice", "indent", "cut", "value"]),
            st.text(max_size=12),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_slip_of_the_keyboard_is_a_crash(slips: list[tuple[int, str, str]]) -> None:
    """Whatever happens to a file, the answer is an organisation or a list of problems."""
    lines = list(LINES)
    for at, slip, text in slips:
        line = lines[at]
        lines[at] = {
            "drop": "",
            "twice": f"{line}\n{line}",
            "indent": f"  {line}",
            "cut": line[: len(line) // 2],
            "value": f"{line.partition(':')[0]}: {text}",
        }[slip]
    try:
        outcome: object = organisation_from_text("\n".join(lines))
    except SettingsError as error:
        outcome = error.problems

    assert outcome


@given(st.text(alphabet=st.sampled_from("ab:-,[]{}&*!|>'\"#%@ \n\t0é"), max_size=60))
def test_no_text_is_a_crash(text: str) -> None:
    """Even text that is hardly YAML is answered with problems that have a line."""
    with pytest.raises(SettingsError) as caught:
        organisation_from_text(text)

    assert all(1 <= problem.line <= text.count("\n") + 2 for problem in caught.value.problems)


def field_names(model: type[BaseModel]) -> set[str]:
    """Every key of a section and of the sections in it."""
    names: set[str] = set()
    pending: list[Any] = [model]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= annotation.model_fields.keys()
            pending += [field.annotation for field in annotation.model_fields.values()]
        pending += get_args(annotation)
    return names


def test_every_key_is_documented() -> None:
    """Whoever looks a key up in `docs/configuration.md` finds it."""
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    names = field_names(ClusterSection) | field_names(OrganisationSection)

    assert field_names(PromiseSection) < names
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
