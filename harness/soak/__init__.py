"""Rounds of real faults, drawn at random, under a verifying load: `python -m harness.soak --rounds N --seed S`."""
