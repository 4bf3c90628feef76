#!/bin/sh
# Stop script of group @GROUP@: each watcher ends, also when one of them has ended already.
number=0
for share in @SHARES@; do
    number=$((number + 1))
    ARMKILL "@WATCH@$number"
done
exit 0
