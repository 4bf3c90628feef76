"""The demonstration: a real database on a mirrored disk loses its server at a random instant, and no row."""
