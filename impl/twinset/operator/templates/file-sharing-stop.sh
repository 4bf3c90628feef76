#!/bin/sh
# Stop script of group @GROUP@: the file server ends before the address and the disk go.
ARMKILL @GROUP@-smbd || [ $? -eq 4 ] # 4: it was not started, since the disk had failed
rm -rf /run/twinset-share-@GROUP@
