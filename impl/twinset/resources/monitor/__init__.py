"""Looks at what a running group needs beside its resources' own checks (6.1-09, 6.3-19)."""
