"""Faults that the lab can inject: disks that lie, fail or lose power, and links that are cut."""
