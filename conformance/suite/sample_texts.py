"""The sample scripts of 4.5.2 in a form for a POSIX shell.

A label of the guide is a function of the same name, a GOTO its call; each leaves a mark.
"""

GROUP, BESIDE = "sample", "beside"  # of the configuration "samples"
START, DISKFAIL = "START.BAT", "diskfail.bat"

_MARK = """mark() {
    echo "$$|@file@|$ARMS_GROUPNAME|$ARMS_EVENT|$ARMS_SERVER|$ARMS_DISK|$1" >> @scratch@/marks
}
EXIT() { mark EXIT; exit; }
"""
# Two jumps of the printed sample lead nowhere (NO_ARM, ON_OTEHR2); they are read as the labels that are there.
_START = """#!/bin/sh
@mark@
NOARM() { mark NOARM; EXIT; }
ERROR_DISK() {
    mark ERROR_DISK
    STARTED_BY=$$ sh @scratch@/diskfail.bat > /dev/null 2>&1 &
    NOARM
}
ON_OTHER1() { mark ON_OTHER1; EXIT; }
ON_OTHER2() { mark ON_OTHER2; EXIT; }
NORMAL() {
    mark NORMAL
    [ "$ARMS_DISK" != FAILURE ] || ERROR_DISK
    [ "$ARMS_SERVER" != OTHER ] || ON_OTHER1
    mark "home server"
    EXIT
}
FAILOVER() {
    mark FAILOVER
    [ "$ARMS_DISK" != FAILURE ] || ERROR_DISK
    [ "$ARMS_SERVER" != OTHER ] || ON_OTHER2
    mark "home server"
    EXIT
}
RECOVER() { mark RECOVER; EXIT; }

case "$ARMS_EVENT" in START) NORMAL ;; RECOVER) RECOVER ;; FAILOVER) FAILOVER ;; esac
NOARM
"""
# It waits for the end of the script that started it: whether it outlives that is what "start" is about.
_DISKFAIL = """#!/bin/sh
@mark@
[ "$ARMS_SERVER" != OTHER ] || EXIT
looks=0
while kill -0 "$STARTED_BY" 2> /dev/null && [ $looks -lt 300 ]; do looks=$((looks + 1)); sleep 0.1; done
kill -0 "$STARTED_BY" 2> /dev/null || mark "outlives the start script"
ARMFOVER /F "$ARMS_GROUPNAME" && mark ARMFOVER
EXIT
"""


def _text(text: str, file: str, scratch: str) -> str:
    mark = _MARK.replace("@file@", file)
    return text.replace("@mark@\n", mark).replace("@scratch@", scratch)


def start_bat(scratch: str) -> str:
    """The start script."""
    return _text(_START, START, scratch)


def diskfail_bat(scratch: str) -> str:
    """The helper that the start script starts on a disk error."""
    return _text(_DISKFAIL, DISKFAIL, scratch)
