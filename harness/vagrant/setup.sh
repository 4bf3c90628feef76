#!/usr/bin/env bash
# What building the box and running the machines need: Debian packages (as root), Python packages. Quick the second time.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t wanted < <(sed 's/#.*//' harness/vagrant/host_packages.txt | awk 'NF {print $1}')
missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" -eq 0 ] || { echo "vms-setup: as root: apt-get install ${missing[*]}" >&2; exit 1; }
    echo "vms-setup: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >.ci/state/vms-apt.log 2>&1 ||
        { tail -n 30 .ci/state/vms-apt.log >&2; exit 1; }
fi
python=.venv/bin/python
"$python" -c 'import libvirt, testinfra, vagrant' 2>/dev/null || "$python" -m pip install -q --disable-pip-version-check \
    $("$python" - <<'END'
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["vms"])
END
)
