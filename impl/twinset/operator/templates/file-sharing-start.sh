#!/bin/sh
# Start script of group @GROUP@: shares a directory of the mirror disk by a file server (Samba) of the group's own.
case "${ARMS_EVENT:-}" in
START | FAILOVER) ;;
*) exit 0 ;;
esac
if [ "${ARMS_DISK:-}" = FAILURE ]; then
    [ "${ARMS_SERVER:-}" = OTHER ] || ARMFOVER /F @GROUP@
    exit 0
fi

share=@SHARE@ path=@PATH@ address=@ADDRESS@ guest=@GUEST@
run=/run/twinset-share-@GROUP@
mkdir -p "$path" "$run"
cat >"$run/smb.conf" <<CONF
[global]
interfaces = $address
bind interfaces only = yes
disable netbios = yes
load printers = no
map to guest = bad user
lock directory = $run
state directory = $run
cache directory = $run
pid directory = $run
ncalrpc dir = $run/ncalrpc
log file = $run/log
max log size = 1000
[$share]
path = $path
read only = no
guest ok = $guest
CONF
# Watched: restarted three times in an hour, then the group fails over.
ARMLOAD @GROUP@-smbd /R 3 /H 1 /FOV smbd --foreground --no-process-group --debug-stdout -s "$run/smb.conf"
