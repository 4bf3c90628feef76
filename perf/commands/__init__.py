"""The commands of `python -m perf`, one module each: its options, and what it does."""
