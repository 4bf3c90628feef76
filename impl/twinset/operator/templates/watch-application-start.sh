#!/bin/sh
# Start script of group @GROUP@: a program that uses the application as a client does, and ends when that fails (9.3). The
# third end within an hour of running shuts this server down, so that its groups fail over.
case "${ARMS_EVENT:-}" in
START | FAILOVER) ARMLOAD @WATCH@ /R 2 /H 1 @PROGRAM@ ;;
esac
