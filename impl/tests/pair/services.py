"""Scripts of a group whose application is the writer of the tests."""

from harness.labs.scribe import STOP_SCRIPT

SERVICE = {
    "install": {"start": "#!/bin/sh\nexit 0\n", "stop": STOP_SCRIPT},
    "scripts": [("/etc/twinset/scripts/start", "/etc/twinset/scripts/stop")],
}
