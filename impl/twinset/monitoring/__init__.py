"""Decisions about what is watched: pure tables (6.3)."""
