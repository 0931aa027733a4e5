"""The wallboard: what it shows of the live snapshots, worded for people, without any pixel."""
