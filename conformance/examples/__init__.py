"""Ports and adapters to copy from, each with the verdict that the suite is expected to give it."""
