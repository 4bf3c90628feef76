#!/bin/sh
# Stop script of group @GROUP@. Nothing may use the mirror disk any more when it ends: commands that return before their
# application has ended are followed by ARMSLEEP (5.2.2-07).
:
