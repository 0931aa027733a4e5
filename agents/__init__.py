"""What runs: Faust, Kafka, Redis, Prometheus, files and the command line."""
