#!/usr/bin/env bash
# Makes what a QEMU guest boots, once: make.sh DIRECTORY leaves vmlinuz and initramfs there.
#
# Debian's stock kernel is fetched and unpacked, not installed. The initramfs holds busybox, the
# modules below and the file init beside this script, which explains the rest.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=$1
modules=(virtio_pci 9pnet_virtio 9p tun veth sch_multiq sch_ingress cls_flower act_gact act_mirred)

# Made again when this script, init or the kernel to be had has changed.
package=$(apt-cache depends linux-image-amd64 2>/dev/null |
  sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
made_of="$package $(cat "$0" "$here/init" | cksum)"
if [ -f "$directory/initramfs" ] &&
  { [ -z "$package" ] || [ "$(cat "$directory/made_of" 2>/dev/null)" = "$made_of" ]; }; then
  exit 0
fi
if [ -z "$package" ]; then
  echo "guest: apt-get knows no linux-image-amd64, so suites with a guest will be skipped" >&2
  exit 0
fi
if ! command -v busybox >/dev/null || ! command -v modprobe >/dev/null; then
  echo "guest: busybox or kmod is missing, so suites with a guest will be skipped" >&2
  exit 0
fi

mkdir -p "$directory"
work=$(mktemp -d "$directory/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
fetch() { (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" 2>fetch.log); }
if ! fetch && ! { apt-get -qq -o DPkg::Lock::Timeout=300 update && fetch; }; then
  cat "$work/fetch.log" >&2
  echo "guest: $package cannot be fetched, so suites with a guest will be skipped" >&2
  exit 0
fi
dpkg-deb --extract "$work"/linux-image-*.deb "$work/kernel"
version=$(basename "$work"/kernel/lib/modules/*)
depmod --basedir "$work/kernel" "$version"

mkdir -p "$work/root/"{bin,dev,host,modules,proc,sys}
cp "$(command -v busybox)" "$work/root/bin/busybox"
install -m 755 "$here/init" "$work/root/init"
for module in "${modules[@]}"; do
  modprobe --dirname "$work/kernel" --set-version "$version" --show-depends "$module"
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r file; do
  cp "$file" "$work/root/modules/"
  basename "$file" >>"$work/root/modules/order"
done
(cd "$work/root" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/initramfs"
cp "$work/kernel/boot/vmlinuz-$version" "$directory/vmlinuz"
mv "$work/initramfs" "$directory/initramfs"
echo "$made_of" >"$directory/made_of"
