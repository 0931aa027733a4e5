"""Alertmanager's configuration: who is written to about what, when, and in which words."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from ruamel.yaml import YAML

from agents.render.alertmanager import (
    ALIVE,
    NO_NUMBERS,
    OLD_NUMBERS,
    SILENT_SOURCE,
    render_alertmanager,
)
from agents.render.rules_file import alerts_of
from agents.render.time_intervals import closed_intervals, open_intervals
from agents.settings import Settings, SettingsError, load_settings
from streams.calendars import Calendar, CalendarVersion, Hours
from streams.instants import from_datetime
from tests.monitoring import tool

if TYPE_CHECKING:
    from agents.render.alert import Alert

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config" / "alertmanager"
SHIPPED = load_settings(ROOT / "config", environ={})
TOWN = SHIPPED.organisations["exempelkommun"]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OFFICE = (Hours(480, 720), Hours(780, 1020))
ALERTS: list[Alert] = [alert for group in alerts_of(SHIPPED).values() for alert in group]


def document(settings: Settings, speed: float = 1) -> Any:
    """The rendered configuration as Alertmanager reads it."""
    return YAML(typ="safe").load(render_alertmanager(settings, speed))


def configured(folder: Path, cluster: str, organisation: str) -> Settings:
    """The settings of one organisation, with more said in either file."""
    (folder / "organisations").mkdir()
    (folder / "kontaktpuls.yaml").write_text(f"brokers: kafka:9092\n{cluster}", encoding="utf-8")
    (folder / "organisations" / "orust.yaml").write_text(
        "display_name: Orust\ncalendars: {default: {hours: {mon-fri: 08:00-16:30}}}\n"
        "promises: [{name: soon, channel: calls, within: 2 min, target: 80 %}]\n" + organisation,
        encoding="utf-8",
    )
    return load_settings(folder, environ={})


def amtool(*arguments: str) -> str:
    """What amtool says, in Swedish time."""
    done = subprocess.run(
        [tool("amtool"), *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
        env={"TZ": "Europe/Stockholm"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alertmanager_takes_what_is_committed() -> None:
    """Whoever starts the stack is not stopped by its own files."""
    said = amtool("check-config", str(FOLDER / "alertmanager.yml"))

    assert "FAILED" not in said
    assert "SUCCESS" in said


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("kind=business severity=warning organisation=exempelkommun channel=calls", "town"),
        ("kind=business severity=critical organisation=exempelkommun channel=emails", "town"),
        ("kind=business severity=info organisation=exempelkommun channel=emails", "nobody"),
        ("kind=business severity=warning organisation=anonymous-bank channel=calls", "operators"),
        ("kind=truth severity=critical organisation=exempelkommun channel=calls", "town,operators"),
        ("kind=truth severity=warning channel=calls", "operators"),
        ("kind=platform severity=critical", "operators"),
        ("kind=platform severity=info alertname=AlertingWorks", "nobody"),
        ("severity=warning", "operators"),
    ],
)
def test_every_alert_finds_its_reader(labels: str, receivers: str) -> None:
    """Team leads hear of citizens, operators of the machinery, nobody of what can wait."""
    amtool(
        "config",
        "routes",
        "test",
        f"--config.file={FOLDER / 'alertmanager.yml'}",
        f"--verify.receivers={receivers.replace('town', 'organisation/exempelkommun')}",
        *labels.split(),
    )


def test_closing_time_mutes_only_what_concerns_citizens() -> None:
    """Routes of an organisation keep its hours, those of operators never sleep."""
    for route in document(SHIPPED)["route"]["routes"]:
        concerns = any(matcher.startswith("organisation=") for matcher in route["matchers"])
        for one in (route, *route.get("routes", [])):
            assert ("active_time_intervals" in one) == concerns
            assert ("mute_time_intervals" in one) == concerns


def test_a_simulation_faster_than_life_has_no_hours_and_less_patience() -> None:
    """Alertmanager only knows the time of the wall; there an hour of the story is seconds."""
    fast = document(SHIPPED, 300)

    assert "time_intervals" not in fast
    assert "time_intervals" not in json.dumps(fast["route"])
    assert fast["route"]["group_interval"] == "1s"
    assert document(SHIPPED)["route"]["group_interval"] == "5m"


def contains(intervals: list[dict[str, Any]], moment: datetime) -> bool:
    """Whether Alertmanager takes a moment for one inside, by its documentation."""
    return any(_inside(interval, moment) for interval in intervals)


def _inside(interval: dict[str, Any], moment: datetime) -> bool:
    local = moment.astimezone(ZoneInfo(interval["location"]))
    minute = local.hour * 60 + local.minute
    following = (local.replace(day=28) + timedelta(days=4)).replace(day=1)
    length = (following - timedelta(days=1)).day
    times = interval.get("times", [{"start_time": "00:00", "end_time": "24:00"}])
    return (
        any(_minute(t["start_time"]) <= minute < _minute(t["end_time"]) for t in times)
        and _has(interval.get("weekdays"), local.weekday(), WEEKDAYS.index)
        and _has(interval.get("months"), local.month, int)
        and _has(interval.get("years"), local.year, int)
        and _has(
            interval.get("days_of_month"),
            local.day,
            lambda text: int(text) if int(text) > 0 else length + 1 + int(text),
        )
    )


def _has(ranges: list[str] | None, number: int, parse: Any) -> bool:
    if ranges is None:
        return True
    halves = [text.split(":") for text in ranges]
    return any(parse(half[0]) <= number <= parse(half[-1]) for half in halves)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


CALENDARS = [
    TOWN.calendars["default"],
    TOWN.calendars["bygg"],
    SHIPPED.organisations["anonymous-bank"].calendars["default"],
    Calendar(
        "changes-in-the-middle-of-months",
        "Europe/Stockholm",
        (
            CalendarVersion(weekdays=(OFFICE,) * 5 + ((), ())),
            CalendarVersion(
                weekdays=((Hours(0, 1440),),) * 3 + ((),) * 4,
                valid_from=date(2026, 10, 14),
                dates={date(2026, 10, 17): OFFICE, date(2026, 10, 19): ()},
            ),
            CalendarVersion(weekdays=(OFFICE,) * 7, valid_from=date(2026, 10, 21)),
            CalendarVersion(
                weekdays=((Hours(480, 960),),) * 7, valid_from=date(2027, 11, 30), country="SE"
            ),
        ),
    ),
]


@pytest.mark.parametrize("calendar", CALENDARS, ids=lambda calendar: calendar.name)
def test_alertmanager_and_promises_agree_on_when_it_is_open(calendar: Calendar) -> None:
    """Every half hour of three years, holidays, half days and changed clocks included."""
    opened, closed = open_intervals(calendar, 2028), closed_intervals(calendar, 2028)
    moment = datetime(2026, 1, 1, tzinfo=calendar.zone).astimezone(ZoneInfo("UTC"))
    wrong = []
    while moment.year < 2029:
        said = contains(opened, moment) and not contains(closed, moment)
        if said != calendar.is_open(from_datetime(moment)):
            wrong.append(moment)
        moment += timedelta(minutes=30)

    assert wrong == []


def test_after_the_last_year_of_holidays_nobody_falls_silent() -> None:
    """A configuration that was forgotten disturbs on a holiday, and warns on working days."""
    calendar = TOWN.calendars["default"]
    opened, closed = open_intervals(calendar, 2028), closed_intervals(calendar, 2028)
    working_day = datetime(2040, 5, 9, 10, tzinfo=calendar.zone)
    christmas = datetime(2040, 12, 25, 10, tzinfo=calendar.zone)

    assert contains(opened, working_day)
    assert not contains(closed, working_day)
    assert contains(opened, christmas)
    assert not contains(closed, christmas)


def test_secrets_are_named_and_never_written(tmp_path: Path) -> None:
    """Addresses that are secret, and passwords, come from files that Alertmanager reads."""
    settings = configured(
        tmp_path,
        "alerts:\n  mail: drift@orust.example\n  heartbeat_file: /run/secrets/heartbeat\n"
        "  smtp:\n    host: mail.orust.example:587\n    username: kp\n"
        "    password_file: /run/secrets/smtp\n",
        "alerts:\n  language: en\n  teams_file: /run/secrets/teams\n"
        "  webhook_file: /run/secrets/hook\n",
    )
    made = document(settings)
    receivers = {receiver["name"]: receiver for receiver in made["receivers"]}
    orust = receivers["organisation/orust"]

    assert made["global"]["smtp_auth_password_file"] == "/run/secrets/smtp"  # noqa: S105
    assert made["global"]["smtp_require_tls"] is True
    assert receivers["heartbeat"]["webhook_configs"][0]["url_file"] == "/run/secrets/heartbeat"
    assert orust["msteamsv2_configs"][0]["webhook_url_file"] == "/run/secrets/teams"
    assert orust["webhook_configs"][0]["url_file"] == "/run/secrets/hook"
    assert made["route"]["routes"][0]["receiver"] == "heartbeat"
    assert not re.search(r"password: |url: ", render_alertmanager(settings, 1))


def test_mail_to_this_machine_needs_no_tls() -> None:
    """A mail server on the loopback interface has no certificate; any other has."""
    assert document(SHIPPED)["global"]["smtp_require_tls"] is False


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("teams_file: secrets/teams", "`secrets/teams` is not named from the root"),
        ("mail: [a@b.se, A@b.se]", "`a@b.se` is there twice; keep it once"),
        ("mail: team lead", "`team lead` is no address"),
        ("language: de", "`de` is not possible here"),
        ("webhook: https://x.example", "is no setting; did you mean `webhook_file`?"),
    ],
)
def test_a_contact_that_cannot_be_reached_is_refused(
    tmp_path: Path, said: str, problem: str
) -> None:
    """A slip is told when it is written, not when the first alert is lost."""
    with pytest.raises(SettingsError) as caught:
        configured(tmp_path, "", f"alerts:\n  {said}\n")

    assert problem in str(caught.value)


def test_what_routes_and_inhibitions_name_are_alerts() -> None:
    """A renamed alert must not come loose from its route."""
    assert {ALIVE, NO_NUMBERS, OLD_NUMBERS, SILENT_SOURCE} <= {alert.name for alert in ALERTS}


def test_every_template_that_is_asked_for_is_written() -> None:
    """No mail is lost for want of words."""
    defined: set[str] = set()
    asked: set[str] = set(re.findall(r'template "(\S+)"', render_alertmanager(SHIPPED, 1)))
    for path in (FOLDER / "templates").glob("*.tmpl"):
        text = path.read_text(encoding="utf-8")
        defined |= set(re.findall(r'define "(\S+)"', text))
        asked |= set(re.findall(r'template "(\S+)"', text))
    words = {"subject", "text", "html", "card", "word", "times"}

    assert asked <= defined
    assert defined == {f"kontaktpuls.{lang}.{word}" for lang in ("sv", "en") for word in words}


def rendered(folder: Path, template: str, **annotations: str) -> str:
    """A template with one alert that fires and one that is over."""
    said = {
        "summary": "42 % of 80 calls answered in time",
        "sammanfattning": "42 % av 80 samtal besvarade i tid",
        "description": "Move members.",
        "beskrivning": "Flytta medarbetare.",
        "runbook_url": "https://intranet.example/runbooks/X.md",
        "dashboard": "https://grafana.example/d/kontaktpuls-calls-sv?var-organisation=orust",
    } | annotations
    alert = {"labels": {"severity": "critical"}, "annotations": said}
    data = {
        "alerts": [
            alert | {"status": "firing", "startsAt": "2026-07-01T07:12:00Z"},
            alert
            | {
                "status": "resolved",
                "startsAt": "2026-01-01T07:12:00Z",
                "endsAt": "2026-01-01T08:12:00Z",
            },
        ]
    }
    path = folder / "data.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return amtool(
        "template",
        "render",
        f"--template.glob={FOLDER / 'templates' / '*.tmpl'}",
        f'--template.text={{{{ template "{template}" . }}}}',
        f"--template.data={path}",
        f"--template.type={'html' if template.endswith('html') else 'text'}",
    )


WORDS = {
    "sv": ("Bråttom", "Över: ", "42 % av 80 samtal", "Flytta medarbetare."),
    "en": ("Urgent", "Over: ", "42 % of 80 calls", "Move members."),
}


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("form", ["text", "card", "html"])
def test_a_message_says_what_how_bad_since_when_what_to_do_and_where_to_look(
    tmp_path: Path, form: str, language: str
) -> None:
    """In one language, with local time, and in every form."""
    message = rendered(tmp_path, f"kontaktpuls.{language}.{form}")
    urgent, over, headline, text = WORDS[language]
    (other,) = WORDS.keys() - {language}

    assert urgent in message
    assert headline in message
    assert WORDS[other][2] not in message
    assert text in message
    assert "2026-07-01 09:12" in message
    assert re.search(r"2026-01-01 08:12 . 2026-01-01 09:12", message)
    assert f"https://grafana.example/d/kontaktpuls-calls-{language}?var-" in message
    assert "https://intranet.example/runbooks/X.md" in message
    assert form == "html" or over in message


def test_the_subject_is_one_line_with_the_numbers(tmp_path: Path) -> None:
    """A telephone's lock screen shows what matters."""
    assert (
        rendered(tmp_path, "kontaktpuls.sv.subject") == "Bråttom: 42 % av 80 samtal besvarade i tid"
    )


def test_nothing_in_a_message_becomes_markup(tmp_path: Path) -> None:
    """A queue's name is text, whatever somebody calls it."""
    message = rendered(tmp_path, "kontaktpuls.sv.html", sammanfattning="<script>alert(1)</script>")

    assert "<script>" not in message
    assert "&lt;script&gt;" in message


def test_a_runbook_in_the_repository_is_named_and_not_linked(tmp_path: Path) -> None:
    """A link that leads nowhere is worse than none."""
    message = rendered(tmp_path, "kontaktpuls.sv.html", runbook_url="docs/runbooks/X.md")

    assert "docs/runbooks/X.md" in message
    assert 'href="docs' not in message
