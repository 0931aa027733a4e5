"""The queue_log of Asterisk: lines in, events out.

The format is described in Asterisk's own manual (Operation, Logging, Queue Logs) and, where that
is silent, by what `app_queue` writes.
"""

from streams.parsers.queue_log.counts import UNREADABLE, Contradiction, Counts, LeftOut
from streams.parsers.queue_log.parser import QueueLogParser

__all__ = ["UNREADABLE", "Contradiction", "Counts", "LeftOut", "QueueLogParser"]
