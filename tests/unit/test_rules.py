"""Alert rules: true by Prometheus' own tests, and about metrics that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from streams.conventions import Monitor

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "config" / "prometheus" / "rules").glob("*.rules.yml"))
STORIES = sorted((ROOT / "tests" / "rules").glob("*.test.yml"))
PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (package `prometheus`)")
@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_alerts_fire_stay_silent_and_say_what_to_do(story: Path) -> None:
    """Each alert fires where it should, ends, and is silent without data."""
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(story)],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_file_has_a_story() -> None:
    """An alert nobody has seen fire is a hope."""
    assert RULES
    assert [p.name.split(".")[0] for p in RULES] == [p.name.split(".")[0] for p in STORIES]


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_rules_name_only_metrics_that_exist(rules: Path) -> None:
    """A renamed metric must not silence an alert."""
    named = set(re.findall(r"\bkontaktpuls_\w+", rules.read_text(encoding="utf-8")))
    exported = {str(name) for name in Monitor} | {f"{name}_total" for name in Monitor}

    assert named
    assert named <= exported
