#!/bin/sh
# Start script of group @GROUP@: watches shares of the other server for a partial stall (9.2). Have such a group for each
# server, with only that server in its policy and `monitor.types = []`.
[ "${ARMS_EVENT:-}" = START ] || exit 0
number=0
for share in @SHARES@; do
    number=$((number + 1))
    ARMLOAD "@WATCH@$number" /U @USER@ ARMWHSR "$share" @ADDRESS@
done
