"""Sets of files: whole or not there, whoever reads them and whenever somebody is killed."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from agents.exports import files
from agents.exports.files import (
    MANIFEST,
    Manifest,
    publish_first,
    publish_instead,
    read_manifest,
    sweep,
    write_hidden,
)

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = Manifest(
    organisation="skara",
    period="2026-W47",
    kind="week",
    made_at="2026-11-23T06:00:00+01:00",
    as_of="2026-11-23T06:00:00+01:00",
    complete=True,
    final=False,
)
OLD = {"a.csv": b"old", "b.pdf": b"old too"}
NEW = {"a.csv": b"new"}


def place_of(folder: Path) -> Path:
    """Where the set belongs."""
    return folder / "skara" / "2026-W47"


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


def test_a_set_is_hidden_until_it_is_whole(tmp_path: Path) -> None:
    """Whoever lists the folder meanwhile sees no period; afterwards all of it."""
    place = place_of(tmp_path)
    hidden = write_hidden(place, OLD, ABOUT)

    assert not place.exists()
    assert hidden.parent == place.parent
    assert hidden.name.startswith(".")

    assert publish_first(hidden, place)
    assert names(place) == ["a.csv", "b.pdf", MANIFEST]
    assert names(place.parent) == ["2026-W47"]


def test_a_manifest_vouches_for_every_file(tmp_path: Path) -> None:
    """A file that was changed, cut or taken away makes the set none."""
    place = place_of(tmp_path)
    publish_first(write_hidden(place, OLD, ABOUT), place)
    manifest = read_manifest(place)

    assert manifest is not None
    assert (manifest.made_at, manifest.final) == (ABOUT.made_at, False)
    assert [(entry.name, entry.bytes) for entry in manifest.files] == [("a.csv", 3), ("b.pdf", 7)]

    (place / "b.pdf").write_bytes(b"cut")
    assert read_manifest(place) is None
    (place / "b.pdf").unlink()
    assert read_manifest(place) is None
    assert read_manifest(tmp_path / "nowhere") is None


def test_the_same_files_have_the_same_manifest(tmp_path: Path) -> None:
    """Nothing in it depends on when or in which order it was written."""
    sets = [tmp_path / "one" / "2026-W47", tmp_path / "two" / "2026-W47"]
    for place, content in zip(sets, (OLD, dict(reversed(OLD.items()))), strict=True):
        publish_first(write_hidden(place, content, ABOUT), place)

    assert (sets[0] / MANIFEST).read_bytes() == (sets[1] / MANIFEST).read_bytes()


def test_the_first_complete_set_wins(tmp_path: Path) -> None:
    """Of two workers that both believe to hold the lock, the slower one changes nothing."""
    place = place_of(tmp_path)
    first, second = write_hidden(place, OLD, ABOUT), write_hidden(place, NEW, ABOUT)

    assert publish_first(first, place)
    assert not publish_first(second, place)
    assert (place / "a.csv").read_bytes() == b"old"
    assert second.exists()


@pytest.mark.parametrize("at_once", [True, False], ids=["by exchange", "by two renames"])
def test_a_set_made_by_hand_replaces_the_old_one_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> None:
    """No file of the old set stays behind, also where the system knows no exchange of names."""
    if not at_once:
        monkeypatch.setattr(files, "_exchange", lambda _one, _other: False)
    place = place_of(tmp_path)
    publish_instead(write_hidden(place, OLD, ABOUT), place)
    publish_instead(write_hidden(place, NEW, ABOUT), place)

    assert names(place) == ["a.csv", MANIFEST]
    assert (place / "a.csv").read_bytes() == b"new"
    assert names(place.parent) == ["2026-W47"]


def test_a_reader_never_sees_half_a_set(tmp_path: Path) -> None:
    """While two writers replace a set over and over, whatever is read together belongs together."""
    place = place_of(tmp_path)
    publish_first(write_hidden(place, {"a.csv": b"one", "b.pdf": b"one"}, ABOUT), place)
    stop = threading.Event()
    faults: list[str] = []

    def replace(content: dict[str, bytes]) -> None:
        while not stop.is_set():
            publish_instead(write_hidden(place, content, ABOUT), place)

    writers = [
        threading.Thread(target=replace, args=({"a.csv": text, "b.pdf": text},))
        for text in (b"one", b"two")
    ]
    for writer in writers:
        writer.start()
    # An open folder stays the one it was, as for somebody who copies it.
    for _ in range(200):
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            contents = set()
            for name in ("a.csv", "b.pdf"):
                file = os.open(name, os.O_RDONLY, dir_fd=folder)
                contents.add(os.read(file, 100))
                os.close(file)
            if len(contents) > 1:
                faults.append(str(contents))
        except FileNotFoundError:
            pass  # it was replaced and removed while we were looking
        finally:
            os.close(folder)
    stop.set()
    for writer in writers:
        writer.join(60)

    assert faults == []
    assert read_manifest(place) is not None
    assert names(place.parent) == ["2026-W47"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written whole is taken away again, and the old set stays."""
    place = place_of(tmp_path)
    publish_first(write_hidden(place, OLD, ABOUT), place)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_hidden(place, NEW, ABOUT)

    assert names(place.parent) == ["2026-W47"]
    assert (place / "a.csv").read_bytes() == b"old"


def test_what_a_killed_run_left_is_swept_after_an_hour(tmp_path: Path) -> None:
    """Ours and old only: what is being written right now and other people's files stay."""
    place = place_of(tmp_path)
    left, running = write_hidden(place, OLD, ABOUT), write_hidden(place, OLD, ABOUT)
    foreign = place.parent / ".my-notes"
    foreign.mkdir()
    for path in (left, foreign):
        os.utime(path, (0, 0))

    assert sweep([place.parent, tmp_path / "nowhere"]) == [left]
    assert names(place.parent) == sorted([running.name, ".my-notes"])
