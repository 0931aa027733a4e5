"""`python -m tests.chaos --seed 1 --rounds 7 --results chaos.jsonl`: goes on where it stopped."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from pathlib import Path

from tests.chaos.rounds import play
from tests.kafka_server import fetch_kafka


def main() -> int:
    """Play the rounds that the file of results does not tell of yet; 1 when one was lost."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--results", type=Path, default=Path("chaos.jsonl"))
    asked = parser.parse_args()
    fetch_kafka()
    lost = 0
    done = set()
    if asked.results.exists():
        for line in asked.results.read_text(encoding="utf-8").splitlines():
            report = json.loads(line)
            if "lost" not in report:
                done.add((report["seed"], report["round"]))
    for number in range(1, asked.rounds + 1):
        if (asked.seed, number) in done:
            continue
        with tempfile.TemporaryDirectory(prefix="kontaktpuls-chaos-") as folder:
            try:
                report = play(asked.seed, number, Path(folder))
            except Exception as error:  # noqa: BLE001 - whatever it is, the next round is played
                lost += 1
                traceback.print_exc()
                report = {"seed": asked.seed, "round": number, "lost": str(error)[:2_000]}
        line = json.dumps(report)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        with asked.results.open("a", encoding="utf-8") as results:
            results.write(line + "\n")
    return min(lost, 1)


if __name__ == "__main__":
    sys.exit(main())
