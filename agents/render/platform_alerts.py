"""Alerts about Kontaktpuls itself, at any hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.render import names
from agents.render import thresholds as t
from agents.render.alert import Alert
from agents.render.pace import looked_back
from streams.conventions import PREFIX, Label, Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = f'up{{job="{PREFIX}"}}'
WORKER = "{{ $labels.instance }}"
ORGANISATION = f"{{{{ $labels.{Label.ORGANISATION} }}}}"
PARTITION = f"{{{{ $labels.{Label.PARTITION} }}}}"
COUNT = '{{ $value | printf "%.0f" }}'


def platform_alerts(partitions: int, speed: float) -> Iterator[Alert]:
    """Every alert about the pipeline.

    Args:
        partitions: of every topic.
        speed: how many times faster than life the events come.
    """
    yield Alert(
        name="NoWorker",
        kind="platform",
        severity="critical",
        expr=f"absent({WORKERS} == 1)",
        lasting=60,
        board="pipeline",
        summary="No worker answers: there are no numbers at all",
        sammanfattning="Ingen process svarar: det finns inga siffror alls",
        description="Boards are empty and no other alert can come. Start the workers; a restart "
        "is always safe, and nothing that Kafka keeps is lost.",
        beskrivning="Tavlorna är tomma och inga andra larm kan komma. Starta processerna; en "
        "omstart är alltid säker, och inget som Kafka har kvar går förlorat.",
    )
    yield Alert(
        name="WorkerDown",
        kind="platform",
        severity="warning",
        expr=f"{WORKERS} == 0",
        lasting=120,
        board="pipeline",
        summary=f"{WORKER}: the worker does not answer",
        sammanfattning=f"{WORKER}: processen svarar inte",
        description="The others take its partitions over within a minute. Its last log line says "
        "why it ended; if it does not come back by itself, start it.",
        beskrivning="De andra tar över dess partitioner inom en minut. Den sista loggraden säger "
        "varför den slutade; kommer den inte tillbaka av sig själv, starta den.",
    )
    yield Alert(
        name="WorkerRecovering",
        kind="platform",
        severity="warning",
        expr=f"{Monitor.RECOVERING} == 1",
        lasting=600,
        board="pipeline",
        summary=f"{WORKER}: the worker has been recovering for more than ten minutes",
        sammanfattning=f"{WORKER}: processen har återställt sig i mer än tio minuter",
        description="Its organisations show no numbers until it is done. Ordinary after a start is "
        "a minute; rebalances over and over, or a slow Kafka, make it longer.",
        beskrivning="Dess organisationer visar inga siffror förrän den är klar. Efter en start tar "
        "det normalt en minut; ideliga ombalanseringar eller ett långsamt Kafka gör det längre.",
    )
    yield Alert(
        name="PartitionNotOwned",
        kind="platform",
        severity="critical",
        expr=f"(count({names.OWNED} >= 1) or vector(0)) < {partitions}\n"
        # Workers that end again and again are up now and then, and never for long enough.
        f"and on () (count(max_over_time({WORKERS}[{looked_back(t.CRASH_LOOP, speed)}]) == 1) > 0)",
        lasting=300,
        board="pipeline",
        summary=f"{COUNT} of {partitions} partitions have an owner: some organisations have no "
        "numbers",
        sammanfattning=f"{COUNT} av {partitions} partitioner har en ägare: några organisationer "
        "saknar siffror",
        description="Workers are up, or come up again and again, and yet nobody counts for some "
        "organisations. See which workers recover; restart one that does not get ahead.",
        beskrivning="Processer är igång, eller startar om gång på gång, och ändå räknar ingen åt "
        "några organisationer. Se vilka som återställer sig; starta om en som inte kommer vidare.",
    )
    yield Alert(
        name="PartitionOwnedTwice",
        kind="platform",
        severity="critical",
        expr=f"{names.OWNED} > 1",
        lasting=120,
        board="pipeline",
        summary=f"Partition {PARTITION}: {COUNT} workers believe they own it",
        sammanfattning=f"Partition {PARTITION}: {COUNT} processer tror sig äga den",
        description="Numbers shown are those of the worker that knows more; nothing is lost. One "
        "of them was frozen and has not noticed: restart the one that is behind.",
        beskrivning="De siffror som visas är från den process som vet mer; inget går förlorat. En "
        "av dem har varit fryst utan att märka det: starta om den som ligger efter.",
    )
    yield Alert(
        name="ConsumerLag",
        kind="platform",
        severity="warning",
        expr=f"{names.LAG} > {t.LAG_RECORDS}",
        lasting=600,
        board="pipeline",
        summary=f"{{{{ $labels.{Label.TOPIC} }}}}, partition {PARTITION}: {COUNT} records wait to "
        "be counted",
        sammanfattning=f"{{{{ $labels.{Label.TOPIC} }}}}, partition {PARTITION}: {COUNT} poster "
        "väntar på att räknas",
        description="The worker does not keep up, or a backlog is being read. If the number falls, "
        "wait; if not, add a worker or restart the one that owns the partition.",
        beskrivning="Processen hinner inte med, eller läser in en eftersläpning. Sjunker talet, "
        "vänta; annars lägg till en process eller starta om den som äger partitionen.",
    )
    yield Alert(
        name="RedisDegraded",
        kind="platform",
        severity="warning",
        expr=f"{names.VIEW_UP} == 0",
        lasting=300,
        board="pipeline",
        summary=f"{{{{ $labels.{Label.VIEW} }}}}: does not take what workers write",
        sammanfattning=f"{{{{ $labels.{Label.VIEW} }}}}: tar inte emot det som processerna skriver",
        description="Wallboards that read from it go stale; KPIs and alerts do not need it. Mend "
        "or empty it: it is filled again by itself.",
        beskrivning="Väggtavlor som läser därifrån blir inaktuella; nyckeltal och larm behöver den "
        "inte. Laga eller töm den: den fylls på igen av sig själv.",
    )
    yield Alert(
        name="WeeklyExportMissing",
        kind="platform",
        severity="warning",
        expr=f"{names.EXPORTS_OVERDUE} > 0",
        lasting=300,
        board="pipeline",
        summary=f"{ORGANISATION}: weekly exports that are an hour late or more: {COUNT}",
        sammanfattning=f"{ORGANISATION}: veckoexporter som är minst en timme försenade: {COUNT}",
        description="Whoever waits for the report on Monday has not got it. Workers try again by "
        "themselves; their log says why it fails. `kontaktpuls export --week last` makes it now.",
        beskrivning="Den som väntar på måndagens rapport har inte fått den. Processerna försöker "
        "igen av sig själva; loggen säger varför det misslyckas. `kontaktpuls export --week last` "
        "gör den nu.",
    )
    yield Alert(
        name="AlertingWorks",
        kind="platform",
        severity="info",
        expr="vector(1)",
        lasting=0,
        board="pipeline",
        summary="Alerting works; worry when this one ends",
        sammanfattning="Larmen fungerar; oroa dig när det här upphör",
        description="It always fires. Send it to something outside that calls you when it stays "
        "away: then Prometheus or Alertmanager is down.",
        beskrivning="Det larmar alltid. Skicka det till något utanför som hör av sig när det "
        "uteblir: då är Prometheus eller Alertmanager nere.",
    )
