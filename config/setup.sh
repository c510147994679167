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
# latest, even if this script dies half-way. Where sysvinit or nothing runs, its scripts believe to
# be in runlevel 1, which starts no servers.
services=()
hold_new_services() {
  local service
  for service in prometheus dpdk; do
    [ -e "/etc/init.d/$service" ] || services+=("$service")
  done
  [ ${#services[@]} -gt 0 ] || return 0
  export RUNLEVEL=1 PREVLEVEL=N
  [ ! -d /run/systemd/system ] || systemctl --quiet mask --runtime "${services[@]/%/.service}"
}

release_new_services() {
  [ ${#services[@]} -gt 0 ] || return 0
  local service
  if [ -d /run/systemd/system ]; then
    systemctl --quiet disable "${services[@]/%/.service}" 2>/dev/null ||
      echo "setup: could not disable ${services[*]}; look with systemctl is-enabled" >&2
    systemctl --quiet unmask --runtime "${services[@]/%/.service}"
    return
  fi
  for service in "${services[@]}"; do
    [ ! -x "/etc/init.d/$service" ] || "/etc/init.d/$service" stop >/dev/null 2>&1 ||
      echo "setup: could not stop $service; it may run needlessly" >&2
  done
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
export DEBIAN_FRONTEND=noninteractive
trap release_new_services EXIT
hold_new_services
apt-get -q -o DPkg::Lock::Timeout=300 update ||
  give_up "apt-get update failed; check the network and /etc/apt/sources.list"
apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "${packages[@]}" ||
  give_up "apt-get install failed; its own words are above. EdgeSentry is built on Debian 12"
