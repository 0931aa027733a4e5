"""What flows and what it means: facts, promises, cells and KPIs.

Everything here is pure: no clock, no environment, no file, no socket.
Instants are integers, microseconds since 1970-01-01T00:00Z; durations are microseconds.
"""
