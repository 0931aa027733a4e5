"""Every word an export says, in the two languages it speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.exports.vocabulary import Words
from streams.exports.words_en import EN
from streams.exports.words_sv import SV

if TYPE_CHECKING:
    from streams.organisations import Language

__all__ = ["WORDS", "Words"]

WORDS: dict[Language, Words] = {"sv": SV, "en": EN}
