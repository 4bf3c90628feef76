#!/usr/bin/env bash
# Makes a public Debian box a server of the lab (TWINSET_VM_BOX=...): needs a network, as the box of `make box` does not.
# Vagrant runs it as root with the server's name; files and wheels were copied to /tmp/twinset before.
set -euo pipefail
server=$1
here=/tmp/twinset
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
mapfile -t wanted < <(sed 's/#.*//' "$here/box_packages.txt" | awk 'NF {print $1}' | grep -v '^linux-image')
apt-get install -y -qq --no-install-recommends "${wanted[@]}" </dev/null
cp -r "$here/root/." /
chmod 440 /etc/sudoers.d/vagrant
[ -x /opt/twinset/bin/python ] || python3 -m venv /opt/twinset
/opt/twinset/bin/python -m pip install -q --no-index --find-links "$here/wheels" --force-reinstall twinset
for command in /opt/twinset/bin/{twinset,ARM,arm}*; do ln -sf "$command" /usr/local/bin/; done
mkdir -p /root/.ssh
cp /home/vagrant/.ssh/authorized_keys /root/.ssh/
hostnamectl set-hostname "$server"
modprobe nbd
systemctl daemon-reload
systemctl enable --now systemd-networkd.service
for unit in smbd nmbd postgresql; do systemctl disable --now $unit.service 2>/dev/null || true; done
udevadm control --reload
echo "twinset: interfaces get their names and addresses at the next boot"
systemctl enable twinsetd.service
systemd-run --on-active=3 systemctl reboot
