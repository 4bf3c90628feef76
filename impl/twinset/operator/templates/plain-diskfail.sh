#!/bin/sh
# A disk of group @GROUP@ could not be activated here (4.5.2): from its home the group goes to the other server. From there
# it goes nowhere, else it would go to and fro.
[ "${ARMS_SERVER:-}" != OTHER ] || exit 0
ARMFOVER /F "${ARMS_GROUPNAME:-@GROUP@}"
