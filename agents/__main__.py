"""`python -m agents`: the same as the command `kontaktpuls`."""

from agents.cli import main

if __name__ == "__main__":
    main()
