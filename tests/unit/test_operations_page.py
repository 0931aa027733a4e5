"""The page for whoever runs it names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from streams.conventions import Monitor

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_metric_of_the_pipeline_is_explained_and_no_other() -> None:
    """A metric that is added must say on this page what it means and what to do."""
    named = {
        name.removesuffix("_total") for name in re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    }

    assert named == {str(name) for name in Monitor}
