"""The exceptions of the core.

* KontaktpulsError
  + RejectedError        an event that cannot be applied, with its reason
  + StateError           a stored row that cannot be read
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.conventions import Reason


class KontaktpulsError(Exception):
    """Base of everything this project raises on purpose."""


class RejectedError(KontaktpulsError):
    """An event that cannot be applied.

    Attributes:
        reason: from the fixed list; safe as a metric label.
        detail: for the person who mends the source; may quote field names, never values.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        # `args` are set already, and there may be floods of these.
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """Both; put together only when somebody reads it, as there may be floods of them."""
        return f"{self.reason}: {self.detail}"


class StateError(KontaktpulsError):
    """A stored row that cannot be read; the worker must stop rather than forget it."""
