#!/usr/bin/env bash
# A Debian package of twinset from wheels: packaging/deb.sh OUT [WHEELS]
#
# WHEELS is a directory with twinset's wheel and those of what it needs (default: made here by `pip wheel`). The package
# carries them, and its installation makes the environment /opt/twinset from them, without a network, as operating.md
# has it by hand. An upgrade of the package does not restart twinsetd: that is a step of impl/docs/upgrading.md.
# What belongs to the cluster (/etc/twinset, /var/lib/twinset) stays when the package goes, also when it is purged.
set -euo pipefail
out=$(realpath "${1:?the directory that the package goes to}")
cd "$(dirname "$0")/.."
making=$(mktemp -d)
trap 'rm -rf "$making"' EXIT
wheels=${2:-}
if [ -z "$wheels" ]; then
    wheels=$making/wheels
    .venv/bin/python -m pip wheel -q --no-build-isolation --wheel-dir "$wheels" .
fi
own=$(basename "$wheels"/twinset-*.whl)
version=$(cut -d- -f2 <<<"$own")
case $own in *-any.whl) architecture=all ;; *) architecture=$(dpkg --print-architecture) ;; esac
root=$making/root
mkdir -p "$root/DEBIAN" "$root/usr/share/twinset" "$root/usr/bin" "$root/lib/systemd/system"
cp -r "$wheels" "$root/usr/share/twinset/wheels"
cp impl/systemd/twinsetd.service "$root/lib/systemd/system/"
unzip -p "$wheels/$own" '*/entry_points.txt' | sed -n 's/^\([A-Za-z-]*\) = twinset\..*/\1/p' | while read -r command; do
    ln -s "/opt/twinset/bin/$command" "$root/usr/bin/$command"
done
cat >"$root/DEBIAN/control" <<TEXT
Package: twinset
Version: $version
Architecture: $architecture
Maintainer: the twinset project <twinset@localhost>
Depends: python3 (>= 3.11), python3-venv, iproute2, util-linux
Recommends: nbd-client, e2fsprogs, iputils-arping
Section: admin
Priority: optional
Description: mirror-disk clusters of two servers
 Block mirroring over the network, failover groups, floating IP addresses, scripts.
TEXT
cat >"$root/DEBIAN/postinst" <<'TEXT'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
[ -x /opt/twinset/bin/python ] || python3 -m venv /opt/twinset
/opt/twinset/bin/python -m pip install -q --no-index --no-cache-dir --force-reinstall \
    --find-links /usr/share/twinset/wheels twinset
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
TEXT
cat >"$root/DEBIAN/prerm" <<'TEXT'
#!/bin/sh
set -e
[ "$1" = remove ] || exit 0
if [ -d /run/systemd/system ]; then systemctl disable --now twinsetd.service; fi
rm -rf /opt/twinset
TEXT
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
mkdir -p "$out"
dpkg-deb --root-owner-group --build "$root" "$out/twinset_${version}_$architecture.deb"
