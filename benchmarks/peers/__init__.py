"""The programs measured beside a worker, each written as its own documentation would have it."""
