"""How long a switch of servers takes, as a client on the LAN sees it."""
