"""Chaos: workers, brokers and Redis are killed, frozen and emptied; the KPIs stay the same.

`python -m tests.chaos` plays rounds for as long as one likes (`make chaos`); a short one and the
proofs that the harness would notice a missing mend belong to the suite
(`tests/integration/test_chaos.py`).
"""
