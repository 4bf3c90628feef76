"""Broken variants of the reference implementation, and the clauses whose cases have to catch them.

A case that cannot fail proves nothing. Each mutant here alters the reference's own source (never the adapter's
answers), runs the cases of one clause against it and is *killed* when that clause fails, *survives* when it
passes, and is *broken* when nothing was learnt. `python -m conformance.mutants` prints the kill score.

This is the only part of `conformance/` that knows the reference.
"""
