"""The batch twin: the same KPIs from the whole list of events, as naively as can be.

It shares with the product only the wire types, calendars and due times, which have twins of their
own. No cells, no increments, no state: for every question it walks over everything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from streams import events as ev
from streams.instants import DAY, HOUR, SECOND, from_datetime, local_date, start_of_day
from streams.promises import due

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.organisations import Organisation, Promise

FOREVER = 2**62


def distinct(events: Iterable[ev.AnyEvent]) -> list[ev.AnyEvent]:
    """One event for each fact: the highest revision, then the smaller encoding."""
    groups: dict[tuple[Any, ...], list[ev.AnyEvent]] = defaultdict(list)
    for event in events:
        groups[identity(event)].append(event)
    return [min(group, key=lambda e: (-e.revision, canonical(e))) for group in groups.values()]


def identity(event: Any) -> tuple[Any, ...]:
    """What the public contract calls the identity of each fact."""
    kind = type(event)
    if kind in (ev.CallEntered, ev.CallAnswered, ev.CallLeft, ev.CallEnded):
        return (kind, event.call, event.queue, event.at)
    if kind is ev.CallRecord:
        return (kind, event.call, event.queue, event.entered_at)
    if kind in (ev.EmailReceived, ev.EmailSent):
        return (kind, event.conversation, event.message)
    if kind in (ev.EmailClosed, ev.EmailForwarded):
        return (kind, event.conversation, event.at)
    if kind is ev.SurveyAnswered:
        return (kind, event.answer, event.question)
    return (kind, event.visit)


def canonical(event: Any) -> bytes:
    """Fields in the order of the stored fact, MessagePack."""
    from streams.statements import fact_of  # noqa: PLC0415 - the encoding is part of the contract

    return msgspec.msgpack.encode(fact_of(event)[1])


class Happening(msgspec.Struct):
    """Something that happened to somebody: `what` at `at`, who had arrived at `arrival`."""

    part: str
    arrival: int
    at: int
    what: str
    promise: str = ""
    amount: int = 0


class Waiting(msgspec.Struct):
    """Somebody who still waits, with the due instants of the official track by promise."""

    part: str
    since: int
    dues: dict[str, int]
    until: int = FOREVER


class Twin:
    """Everything that happened, and who still waits, at one instant."""

    def __init__(
        self, organisation: Organisation, events: Iterable[ev.AnyEvent], as_of: int
    ) -> None:
        """Recompute the world."""
        self.organisation = organisation
        self.as_of = as_of
        self.happenings: list[Happening] = []
        self.waiting: list[Waiting] = []
        calls: dict[str, list[Any]] = defaultdict(list)
        conversations: dict[str, list[Any]] = defaultdict(list)
        for event in distinct(events):
            if hasattr(event, "call"):
                calls[event.call].append(event)
            elif hasattr(event, "conversation"):
                conversations[event.conversation].append(event)
        for facts in calls.values():
            self._call(facts)
        for facts in conversations.values():
            self._conversation(facts)

    # -- questions -------------------------------------------------------------------------

    def window(self, part: str, window: str) -> list[Happening]:
        """What happened in a rolling window, whole seconds, the current one included."""
        second = self.as_of // SECOND
        first = {
            "15m": second - 15 * 60 + 1,
            "1h": second - 3600 + 1,
            "today": start_of_day(
                local_date(self.as_of, self.organisation.zone), self.organisation.zone
            )
            // SECOND,
            "7d": (self.as_of // HOUR * HOUR - 7 * DAY) // SECOND,
            "28d": (self.as_of // HOUR * HOUR - 28 * DAY) // SECOND,
        }[window]
        return [h for h in self.happenings if h.part == part and first <= h.at // SECOND <= second]

    def arrived(self, part: str, hour: int) -> list[Happening]:
        """What became of everybody who arrived in one hour."""
        return [h for h in self.happenings if h.part == part and h.arrival // HOUR == hour]

    def pending(self, part: str, hour: int) -> dict[str, int]:
        """Promises to those who arrived in one hour that can still be kept, by name."""
        return Counter(
            name
            for w in self.waiting
            if w.part == part and w.since // HOUR == hour and self.as_of < w.until
            for name, due_at in w.dues.items()
            if due_at >= self.as_of
        )

    def topics(self) -> set[str]:
        """The parts of what calls were about."""
        return {h.part for h in self.happenings if h.part.startswith("topic:")}

    def waiting_now(self, part: str) -> list[Waiting]:
        """Who waits at `as_of`."""
        return [w for w in self.waiting if w.part == part and w.since <= self.as_of < w.until]

    # -- calls -----------------------------------------------------------------------------

    def _call(self, facts: list[Any]) -> None:
        entries: set[tuple[int, str]] = set()
        steps: list[Any] = []
        ends: list[Any] = []
        for fact in facts:
            at = from_datetime(fact.entered_at if isinstance(fact, ev.CallRecord) else fact.at)
            if isinstance(fact, ev.CallEntered):
                entries.add((at, fact.queue))
            elif isinstance(fact, ev.CallAnswered):
                steps.append((at, 0, fact.queue, "answered"))
            elif isinstance(fact, ev.CallLeft):
                steps.append((at, 1, fact.queue, fact.reason))
            elif isinstance(fact, ev.CallEnded):
                ends.append((at, fact.queue, fact.resolved, fact.topic))
            else:
                entries.add((at, fact.queue))
                if fact.answered_at:
                    steps.append((from_datetime(fact.answered_at), 0, fact.queue, "answered"))
                if fact.left_at:
                    left_at = from_datetime(fact.left_at)
                    steps.append((left_at, 1, fact.queue, fact.reason or "unknown"))
                if fact.ended_at:
                    ended_at = from_datetime(fact.ended_at)
                    ends.append((ended_at, fact.queue, fact.resolved, fact.topic))
        steps.sort()
        ends.sort(key=lambda e: (e[0], e[1] or "", e[2] is not True, e[3] is None, e[3] or ""))
        told: list[tuple[Any, ...]] = [*entries, *steps, *ends]
        first = min((at for at, _ in entries), default=FOREVER)
        starts = {first} | {
            at
            for before, at in pairwise(sorted({one[0] for one in told}))
            if at > first
            and at - before > self.organisation.max_wait
            and any(at == entered for entered, _ in entries)
        }
        for start, end in pairwise([*sorted(starts), FOREVER]):
            self._one_call(
                *(
                    [one for one in tales if start <= one[0] < end]
                    for tales in (sorted(entries), steps, ends)
                )
            )

    def _one_call(self, entries: list[Any], steps: list[Any], ends: list[Any]) -> None:
        visits = [self._visit(e, sorted(entries), steps, ends) for e in sorted(entries)]
        self._code(visits, ends)
        for visit in visits:
            limit = visit["entered"] + self.organisation.max_wait
            if visit["left"] is not None and visit["left"] > limit:
                visit.update(left=limit, how="unknown", ended=None, resolved=None, topic=None)
        for visit in visits:
            queue = visit["queue"]
            part = queue if queue in self.organisation.queues else "other"
            self._tell(part, visit)
        if visits:
            whole = self._whole(visits)
            self._tell("", whole)
            self._tell_topic(whole)

    @staticmethod
    def _visit(
        entry: tuple[int, str], entries: list[Any], steps: list[Any], ends: list[Any]
    ) -> dict[str, Any]:
        entered, queue = entry
        after = min((a for a, q in entries if q == queue and a > entered), default=FOREVER)

        def mine(at: int, where: str | None) -> bool:
            return where == queue and entered <= at < after

        own = [s for s in steps if mine(s[0], s[2])]
        visit: dict[str, Any] = {
            "queue": queue,
            "entered": entered,
            "left": None,
            "how": None,
            "ended": None,
            "resolved": None,
            "topic": None,
        }
        reach = [e for e in ends if (e[1] is None and e[0] >= entered) or mine(e[0], e[1])]
        if own:
            visit["left"], visit["how"] = own[0][0], own[0][3]
        elif reach:
            visit["left"], visit["how"] = reach[0][0], "unknown"
        if visit["how"] == "answered":
            endings = [s[0] for s in own if s[3] != "answered" and s[:2] > own[0][:2]][:1]
            endings += [a for a, _ in entries if a > visit["left"]][:1]
            endings += [e[0] for e in reach if e[0] >= visit["left"]][:1]
            visit["ended"] = min(endings, default=None)
        return visit

    @staticmethod
    def _code(visits: list[dict[str, Any]], ends: list[Any]) -> None:
        codes: dict[int, list[tuple[bool | None, str | None]]] = defaultdict(list)
        for at, queue, resolved, topic in ends:
            reached = [
                v for v in visits if v["entered"] <= at and (queue is None or v["queue"] == queue)
            ]
            if queue is not None:
                reached = reached[-1:]
            spoken = [v for v in reached if v["how"] == "answered" and v["left"] <= at]
            if spoken:
                codes[visits.index(spoken[-1])].append((resolved, topic))
        for number, told in codes.items():
            deciding = [code for code in told if code[0] is not None][:1]
            topics = [topic for _, topic in deciding + told if topic is not None]
            visits[number]["resolved"] = deciding[0][0] if deciding else None
            visits[number]["topic"] = topics[0] if topics else None

    @staticmethod
    def _whole(visits: list[dict[str, Any]]) -> dict[str, Any]:
        whole = dict(visits[0], left=None, how=None, ended=None, resolved=None, topic=None)
        answered = [v for v in visits if v["how"] == "answered"]
        waiting = [v["entered"] for v in visits if v["how"] is None]
        whole["open_since"] = max(waiting, default=None)
        if answered:
            whole.update(left=min(v["left"] for v in answered), how="answered")
            if all(v["ended"] is not None for v in answered):
                whole["ended"] = max(v["ended"] for v in answered)
                whole["talk"] = sum(v["ended"] - v["left"] for v in answered)
                coded = [v for v in answered if v["resolved"] is not None][-1:]
                whole["resolved"] = coded[0]["resolved"] if coded else None
                topics = [v["topic"] for v in answered + coded if v["topic"] is not None]
                whole["topic"] = topics[-1] if topics else None
        elif not waiting:
            last = max(visits, key=lambda v: (v["left"], v["entered"]))
            whole.update(left=last["left"], how=last["how"])
        return whole

    def _tell_topic(self, whole: dict[str, Any]) -> None:
        """Once a call, under the midnight its local day began with."""
        if whole["ended"] is None or whole["topic"] is None:
            return
        zone = self.organisation.zone
        midnight = start_of_day(local_date(whole["entered"], zone), zone)
        part = f"topic:{whole['topic']}"
        for what, is_so in (
            ("handled", True),
            ("coded", whole["resolved"] is not None),
            ("resolved", whole["resolved"]),
        ):
            if is_so:
                amount = whole["talk"] if what == "handled" else 0
                self.happenings.append(Happening(part, midnight, whole["ended"], what, "", amount))

    def _tell(self, part: str, visit: dict[str, Any]) -> None:
        entered, left, how = visit["entered"], visit["left"], visit["how"]

        def tell(at: int, what: str, promise: str = "", amount: int = 0) -> None:
            self.happenings.append(Happening(part, entered, at, what, promise, amount))

        tell(entered, "offered")
        promises = self._promises("calls", part, entered)
        if how is None:
            until = visit.get("open_since", entered) or entered
            until += self.organisation.max_wait
            dues = {p.name: entered + p.within.amount for p in promises}
            for name, due_at in dues.items():
                if due_at < self.as_of and due_at < until:
                    tell(due_at, "missed", name)
            if until <= self.as_of:
                tell(until, "exit_unknown")
            self.waiting.append(Waiting(part, entered, dues, until))
            return
        tell(left, "answered" if how == "answered" else f"exit_{how}", "", left - entered)
        for p in promises:
            limit = entered + p.within.amount
            if left > limit:
                tell(limit, "missed", p.name)
                if how == "answered":
                    tell(left, "answered_late", p.name)
            else:
                kept = {"answered": "met", "abandoned": "early_abandoned"}.get(how, "excluded")
                tell(left, kept, p.name)
            if how == "abandoned" and left - entered <= p.short_abandon:
                tell(left, "short_abandoned", p.name)
        if visit["ended"] is not None:
            talk = visit.get("talk", visit["ended"] - left)
            tell(visit["ended"], "handled", "", talk)
            if visit["resolved"] is not None:
                tell(visit["ended"], "coded")
            if visit["resolved"]:
                tell(visit["ended"], "resolved")

    # -- e-mails ---------------------------------------------------------------------------

    def _conversation(self, facts: list[Any]) -> None:
        rank: dict[Any, int] = {
            ev.EmailReceived: 0,
            ev.EmailSent: 1,
            ev.EmailForwarded: 2,
            ev.EmailClosed: 3,
        }
        timeline = sorted(
            facts,
            key=lambda f: (
                f.at,
                rank[type(f)],
                getattr(f, "message", None) or getattr(f, "unit", None) or getattr(f, "reason", ""),
            ),
        )
        mailbox = ""
        current: dict[str, Any] | None = None
        done = []
        for fact in timeline:
            at = from_datetime(fact.at)
            if isinstance(fact, ev.EmailReceived):
                mailbox = fact.mailbox
                if fact.automatic:
                    self._tell_mail(mailbox, at, at, "automatic")
                elif current:
                    self._tell_mail(mailbox, at, at, "reminders")
                else:
                    current = {"mailbox": mailbox, "opened": at}
                    done.append(current)
            elif isinstance(fact, ev.EmailForwarded):
                self._tell_mail(mailbox, at, at, "forwarded")
            elif current and isinstance(fact, ev.EmailClosed):
                current.update(closed=at, reason=fact.reason)
                current = None
            elif current and isinstance(fact, ev.EmailSent) and not fact.automatic:
                current.setdefault("replied", at)
                if not fact.holding:
                    current["answered"] = at
                    current = None
        for obligation in done:
            self._obligation(obligation)

    def _tell_mail(self, mailbox: str, opened: int, at: int, what: str, *, amount: int = 0) -> None:
        part = mailbox if mailbox in self.organisation.mailboxes else "other"
        for where in (part, ""):
            self.happenings.append(Happening(where, opened, at, what, "", amount))

    def _obligation(self, o: dict[str, Any]) -> None:
        mailbox, opened = o["mailbox"], o["opened"]
        calendar = self.organisation.calendars["default"]
        self._tell_mail(mailbox, opened, opened, "received")
        if "replied" in o:
            took = calendar.working_time(opened, o["replied"])
            self._tell_mail(mailbox, opened, o["replied"], "first_replies", amount=took)
        if "answered" in o:
            self._tell_mail(mailbox, opened, o["answered"], "full_answers")
        if "closed" in o:
            self._tell_mail(mailbox, opened, o["closed"], f"closed_{o['reason']}")
        for part in (mailbox if mailbox in self.organisation.mailboxes else "other", ""):
            dues = {}
            for p in self._promises("emails", part, opened):
                due_at = due(opened, p.within, calendar)
                for track, stop in (("first_reply", "replied"), ("full_answer", "answered")):
                    if stop in o and o[stop] <= due_at:
                        at, what = o[stop], "met"
                    elif stop not in o and "closed" in o and o["closed"] <= due_at:
                        at, what = o["closed"], "excluded"
                    elif due_at < self.as_of or stop in o or "closed" in o:
                        at, what = due_at, "missed"
                    else:
                        at, what = -1, "pending"
                    official = {"any_human_reply": "replied", "full_answer": "answered"}[p.met_by]
                    if official == stop and stop not in o and "closed" not in o:
                        dues[p.name] = due_at
                    if what != "pending":
                        self.happenings.append(
                            Happening(part, opened, at, f"{track}_{what}", p.name)
                        )
            if "answered" not in o and "closed" not in o:
                self.waiting.append(Waiting(part, opened, dues))

    # -- promises --------------------------------------------------------------------------

    def _promises(self, channel: str, part: str, arrival: int) -> list[Promise]:
        """The version of each promise that held on the local day of arrival."""
        day = local_date(arrival, self.organisation.zone)
        newest: dict[str, Promise] = {}
        for p in self.organisation.promises:
            holds = not p.parts or (part or "total") in p.parts
            if p.channel != channel or not holds or (p.valid_from and p.valid_from > day):
                continue
            known = newest.get(p.name)
            if known is None or (
                p.valid_from and (known.valid_from is None or p.valid_from > known.valid_from)
            ):
                newest[p.name] = p
        return list(newest.values())
