"""The start and stop scripts of the demonstrated group: a real PostgreSQL on the mirrored disk.

They are what an operator would write: started after the mirror disk is mounted and the floating IP address is
up, stopped before either goes.
"""

from harness.labs.pair import MOUNT_POINT

LOG = "/var/lib/twinset/postgres.log"
PORT = 5432

_HEAD = """\
#!/bin/sh
set -eu
PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin
data=@MOUNT@/postgres
export PGPORT="${PGPORT:-@PORT@}"
exec </dev/null >>@LOG@ 2>&1
as_postgres() { cd / && runuser -u postgres -- "$@"; }
"""

_START = (
    _HEAD
    + """\
echo "start: event=${ARMS_EVENT:-} server=${ARMS_SERVER:-} disk=${ARMS_DISK:-} group=${ARMS_GROUPNAME:-}"
# RECOVER tells a returned server that the group runs elsewhere: nothing to do, and no disk here to do it on.
[ "${ARMS_EVENT:-START}" != RECOVER ] || exit 0
mountpoint -q "${data%/*}" || { echo "the mirror disk is not mounted"; exit 1; }
if [ ! -e "$data/PG_VERSION" ]; then
    # first start: prepared beside its place and moved there whole, so that a power cut leaves all or nothing
    rm -rf "$data" "$data.new"
    install -d -o postgres -g postgres -m 700 "$data.new"
    as_postgres initdb --pgdata="$data.new" --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-instructions
    cat >>"$data.new/postgresql.conf" <<CONF
listen_addresses = '*'
unix_socket_directories = '/run/postgresql'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 32MB
max_wal_size = 64MB
log_line_prefix = '%n [%p] '
CONF
    echo 'host all all 10.0.1.0/24 trust' >>"$data.new/pg_hba.conf"
    sync -f "$data.new"
    mv "$data.new" "$data"
    sync -f "$data"
fi
# The mirror disk is active here and nowhere else: a lock file in it is a dead server's.
as_postgres pg_ctl status --pgdata="$data" >/dev/null || rm -f "$data/postmaster.pid"
as_postgres pg_ctl start --pgdata="$data" --wait --timeout=120
"""
)

_STOP = (
    _HEAD
    + """\
echo "stop: event=${ARMS_EVENT:-} server=${ARMS_SERVER:-}"
as_postgres pg_ctl status --pgdata="$data" >/dev/null || exit 0
as_postgres pg_ctl stop --pgdata="$data" --mode=fast --wait --timeout=60 ||
    as_postgres pg_ctl stop --pgdata="$data" --mode=immediate --wait --timeout=30
"""
)


def postgres(mount: str, log: str = LOG, port: int = PORT) -> tuple[str, str]:
    """Start and stop script of an instance on the file system that is mounted there."""

    def filled(text: str) -> str:
        return text.replace("@MOUNT@", mount).replace("@LOG@", log).replace("@PORT@", str(port))

    return filled(_START), filled(_STOP)


START, STOP = postgres(MOUNT_POINT)
