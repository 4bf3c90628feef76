"""twinset: a mirror set on twin servers."""

__version__ = "0.1.0"
