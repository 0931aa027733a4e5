"""Exports: read from Redis, written as files, sent by mail, on demand and every Monday."""
