"""The public LAN as it can be seen from a server: link and answers (6.3-19)."""
