#!/bin/sh
# Start script of group @GROUP@: the sample of 4.5.2. Put commands in the place of each colon.
# Whatever it starts in the foreground has to be done within the script's time-out.

case "${ARMS_EVENT:-}" in
START | FAILOVER) ;;
*) exit 0 ;; # RECOVER: the group runs elsewhere, or nowhere. Anything else: no cluster called this.
esac

if [ "${ARMS_DISK:-}" = FAILURE ]; then
    # On its own, so that this script ends and the group can be moved.
    setsid @DIRECTORY@/@GROUP@-diskfail </dev/null &
    exit 0
fi

case "$ARMS_EVENT-${ARMS_SERVER:-}" in
START-HOME) : ;;     # an ordinary start on the first server of the policy
START-OTHER) : ;;    # an ordinary start on the other one
FAILOVER-HOME) : ;;  # after a failover to the first server
FAILOVER-OTHER) : ;; # after a failover to the other one
esac
