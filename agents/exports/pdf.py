"""The page of an export as PDF: tagged for screen readers, with bookmarks, made without network.

The same export gives the same bytes on machines with the same fonts and libraries.
"""

from __future__ import annotations

from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from agents.exports.page import page
from streams.errors import KontaktpulsError
from streams.instants import to_rfc3339

if TYPE_CHECKING:
    from types import ModuleType

    from streams.exports.model import Export
    from streams.organisations import Language

VARIANT: Final = "pdf/ua-1"
"""ISO 14289: what a PDF needs to be read aloud."""
PACKAGES: Final = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation"
"""What Debian and Ubuntu call the libraries that WeasyPrint draws text with, and a font."""


class PdfError(KontaktpulsError):
    """No PDF can be made on this machine; says what to install."""


def pdf_file(export: Export, language: Language, version: str, stamped_at: int) -> bytes:
    """The page as PDF; takes about two seconds of a core.

    Args:
        export: what it shows.
        language: in which it says it.
        version: of the program, whose definitions hold.
        stamped_at: instant in the metadata, as the time it was made at.

    Raises:
        PdfError: Pango or another library of the system is missing.
    """
    weasyprint = _weasyprint()
    text = page(export, language, version, to_rfc3339(stamped_at))
    nothing = weasyprint.URLFetcher(allowed_protocols=())
    document: Any = weasyprint.HTML(string=text, url_fetcher=nothing)
    written: bytes = document.write_pdf(pdf_variant=VARIANT)
    return written


def _weasyprint() -> ModuleType:
    """WeasyPrint, which everything but the PDF works without.

    It looks for the system's libraries while it is imported, and prints a page of advice where they
    are missing.
    """
    try:
        with redirect_stdout(StringIO()):
            return import_module("weasyprint")
    except OSError as error:
        reason = str(error).splitlines()[0]
        msg = (
            f"a PDF needs Pango, which is missing ({reason}); install it, on Debian and Ubuntu: "
            f"`apt-get install {PACKAGES}`"
        )
        raise PdfError(msg) from None
