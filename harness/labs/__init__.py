"""Labs: ways to bring a topology up. ``namespaces`` needs one Linux machine and root, nothing else."""
