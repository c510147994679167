#!/usr/bin/env bash
# Installs what config/packages.txt lists and the machine lacks. Nothing to do: says nothing.
#
# Only Debian packages, only as root, and no service is left running: the prometheus package starts
# a server on every interface, but tests start one of their own on loopback.
set -euo pipefail
cd "$(dirname "$0")"

listed() { grep -v '^#' packages.txt; }

missing() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null |
    sed -n 's/^installed //p')
  grep -vxF -f <(echo "$installed") <(listed) || [ $? -eq 1 ]  # 1: nothing is missing
}

give_up() {
  echo "setup: $1" >&2
  exit 1
}

# A mask in /run keeps a unit from being started by its package and is gone after a reboot at the
# latest, even if this script dies half-way. RUNLEVEL=1 does the same where sysvinit runs.
units=()
mask_new_services() {
  [ -d /run/systemd/system ] || return 0
  local unit
  for unit in prometheus.service dpdk.service; do
    systemctl cat "$unit" >/dev/null 2>&1 || units+=("$unit")
  done
  [ ${#units[@]} -eq 0 ] || systemctl --quiet mask --runtime "${units[@]}"
}

unmask_new_services() {
  [ ${#units[@]} -gt 0 ] || return 0
  systemctl --quiet disable "${units[@]}" 2>/dev/null ||
    echo "setup: could not disable ${units[*]}; look with systemctl is-enabled" >&2
  systemctl --quiet unmask --runtime "${units[@]}"
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  give_up "this is not Debian, so packages cannot be installed by themselves; install what \
config/packages.txt lists (DPDK 22.11 or later) and run ninja -C build yourself"
fi

mapfile -t packages < <(missing)
[ ${#packages[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
  give_up "these packages are missing: ${packages[*]}. Run 'sudo ./dev setup' once, then this \
command again as yourself"
fi

echo "setup: installing ${#packages[@]} packages: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
trap unmask_new_services EXIT
mask_new_services
apt-get -q update || give_up "apt-get update failed; check the network and /etc/apt/sources.list"
apt-get -q -y --no-install-recommends install "${packages[@]}" ||
  give_up "apt-get install failed; its own words are above. EdgeSentry is built on Debian 12"
