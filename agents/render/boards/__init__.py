"""Grafana boards in Swedish and English: one module a board, made of a few building blocks."""
