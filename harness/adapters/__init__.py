"""Adapters through which the conformance suite drives a port; see conformance/ADAPTER.md."""
