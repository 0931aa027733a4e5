"""Every name that leaves the program, spelled once: metrics, labels, reasons, Redis keys."""

from __future__ import annotations

from enum import StrEnum

PREFIX = "kontaktpuls"

TOTAL = ""
"""The part that counts a citizen once, over all queues or mailboxes."""

OTHER = "other"
"""Label of queues, mailboxes, desks and sources that no configuration names."""

TOPIC_PREFIX = "topic:"
"""What calls were about is counted in parts of its own, whose names begin like this; no queue,
mailbox or desk may be called so."""

TABLE_COHORTS = "cohorts"


class Reason(StrEnum):
    """Why an event was rejected; the fixed list of dead-letter reasons."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_VALUE = "unknown_value"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    INVALID_TIME = "invalid_time"
    TIME_WITHOUT_OFFSET = "time_without_offset"
    CONTRADICTORY_TIMES = "contradictory_times"
    UNKNOWN_ORGANISATION = "unknown_organisation"
    WRONG_TOPIC = "wrong_topic"
    FROM_THE_FUTURE = "from_the_future"
    BEYOND_HORIZON = "beyond_horizon"
    CONTACT_TOO_LARGE = "contact_too_large"

    # The one of its value, which is also the quicker one.
    __hash__ = str.__hash__


class Label(StrEnum):
    """Prometheus labels."""

    ORGANISATION = "organisation"
    CHANNEL = "channel"
    QUEUE = "queue"
    MAILBOX = "mailbox"
    DESK = "desk"
    SURVEY = "survey"
    WINDOW = "window"
    PROMISE = "promise"
    VARIANT = "variant"
    REASON = "reason"
    QUANTILE = "quantile"
    QUESTION = "question"
    SOURCE = "source"
    PARTITION = "partition"
    TOPIC = "topic"
    VIEW = "view"
    PART = "part"
    HOURS = "hours"
    UNIT = "unit"


class Monitor(StrEnum):
    """Metrics about the pipeline itself (counters get their `_total` from the exposition)."""

    AS_OF = "kontaktpuls_as_of_timestamp_seconds"
    SOURCE_THROUGH = "kontaktpuls_source_through_timestamp_seconds"
    SOURCE_SEEN = "kontaktpuls_source_seen"
    OPEN = "kontaktpuls_open"
    OWNED = "kontaktpuls_partition_owned"
    RECOVERING = "kontaktpuls_recovering"
    EVENTS_IN = "kontaktpuls_events_in"
    APPLIED = "kontaktpuls_events_applied"
    UNCHANGED = "kontaktpuls_events_unchanged"
    FORWARDED = "kontaktpuls_events_forwarded"
    REJECTED = "kontaktpuls_events_rejected"
    CONFLICTS = "kontaktpuls_fact_conflicts"
    LATE = "kontaktpuls_events_late"
    UNKNOWN_PART = "kontaktpuls_events_unknown_part"
    CONTACTS = "kontaktpuls_contacts_retained"
    COHORTS = "kontaktpuls_cohorts_retained"
    OPEN_CONTACTS = "kontaktpuls_contacts_open"
    TARGET = "kontaktpuls_promise_target_ratio"
    WITHIN = "kontaktpuls_promise_within_seconds"
    OPEN_SECONDS = "kontaktpuls_open_seconds"
    CHUNKS = "kontaktpuls_chunks"
    FLUSHES = "kontaktpuls_flushes"
    ROWS_WRITTEN = "kontaktpuls_changelog_rows_written"
    ROWS_DELETED = "kontaktpuls_changelog_rows_deleted"
    COMMITS = "kontaktpuls_commits"
    REBALANCES = "kontaktpuls_rebalances"
    LAG = "kontaktpuls_consumer_lag_records"
    LOOP_LAG = "kontaktpuls_event_loop_lag_seconds"
    VIEW_FAILURES = "kontaktpuls_view_failures"
    VIEW_UP = "kontaktpuls_view_up"
    RENDER_SECONDS = "kontaktpuls_render_duration_seconds"
    EXPORTS_OVERDUE = "kontaktpuls_exports_overdue"
    EXPORT_FAILURES = "kontaktpuls_export_failures"
    EXPORT_SUCCESS = "kontaktpuls_export_last_success_timestamp_seconds"


class SourceMonitor(StrEnum):
    """Metrics about what sources read (counters get their `_total` from the exposition)."""

    READ = "kontaktpuls_source_read"
    EVENTS = "kontaktpuls_source_events_delivered"
    LEFT_OUT = "kontaktpuls_source_left_out"
    LOST = "kontaktpuls_source_lost"
    NOTED = "kontaktpuls_source_noted"
    THROUGH = "kontaktpuls_source_delivered_through_timestamp_seconds"
    CONNECTED = "kontaktpuls_source_connected"


def redis_snapshot(organisation: str, channel: str) -> str:
    """Redis key of the live snapshot of one channel."""
    return f"{PREFIX}:live:{organisation}:{channel}"


def redis_rollups(organisation: str, channel: str, utc_day: str) -> str:
    """Redis hash of the hourly rollups of one UTC day; fields are `hour|part`."""
    return f"{PREFIX}:rollup:{organisation}:{channel}:{utc_day}"


def redis_filled(channel: str, partition: int) -> str:
    """Redis key that says which worker wrote everything that is known of a partition."""
    return f"{PREFIX}:filled:{channel}:{partition}"


def redis_days(organisation: str, channel: str) -> str:
    """Redis set of the UTC days of which there are rollups."""
    return f"{PREFIX}:days:{organisation}:{channel}"


def redis_truth(organisation: str, channel: str) -> str:
    """Redis key that says how far the sources of a channel had read when rollups were written."""
    return f"{PREFIX}:truth:{organisation}:{channel}"


REDIS_EXPORT_TOKEN = f"{PREFIX}:export:token"
"""Redis key of the number last given to somebody who took the lock of an export."""


def redis_export_lock(key: str) -> str:
    """Redis key of the lock of one export, `organisation|period`."""
    return f"{PREFIX}:export:lock:{key}"
