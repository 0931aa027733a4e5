"""Exports: what became of everybody who arrived in a week, a month or a year."""
