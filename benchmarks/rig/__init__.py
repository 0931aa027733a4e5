"""What the benchmarks share: a broker, a history to play, a worker, and what a process costs."""
