#!/bin/sh
# Stop script of group @GROUP@.
ARMKILL @WATCH@
exit 0
