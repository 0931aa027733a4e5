"""The commands of `kontaktpuls`, one module each; `agents.cli` puts them together."""
