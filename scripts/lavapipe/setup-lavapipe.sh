#!/bin/sh
# Makes FOLDER hold Mesa's lavapipe and the shim that puts it in SwiftShader's place in Chromium:
#
#     setup-lavapipe.sh FOLDER
#
# Needs gcc. Debian 12's own Mesa has no shader-f16, so there Mesa 25 is unpacked (not installed) from its backports;
# elsewhere the machine's libvulkan_lvp.so serves. Exits 3 where libraries are missing: the last line names their packages.
set -eu

folder=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")

unpack_from_backports() {
  cd "$folder"
  mkdir -p lists/partial root
  # The mirror that this machine uses already, in either of the two formats of apt's lists.
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' |
    grep '/debian/*$' | head -1)
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keys] ${mirror:-http://deb.debian.org/debian} bookworm-backports main" >sources.list
  apt="apt-get -qq -o Dir::Etc::SourceList=$folder/sources.list -o Dir::Etc::SourceParts=- -o Dir::State::Lists=$folder/lists"
  apt="$apt -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User="
  $apt update
  $apt download mesa-vulkan-drivers/bookworm-backports
  for package in mesa-vulkan-drivers_*.deb; do dpkg -x "$package" root; done
  rm -rf lists mesa-vulkan-drivers_*.deb
}

if [ "$codename" = bookworm ]; then
  driver="root/usr/lib/$(uname -m)-linux-gnu/libvulkan_lvp.so"
  [ -e "$folder/$driver" ] || (unpack_from_backports)
  if ldd "$folder/$driver" | grep 'not found' >&2; then
    echo libllvm15 libdrm2 libelf1 libexpat1 libwayland-client0 libx11-xcb1 libxcb-dri3-0 libxcb-present0 libxcb-randr0 \
      libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxshmfence1 libzstd1
    exit 3
  fi
else
  driver=$(ls /usr/lib/"$(uname -m)"-linux-gnu/libvulkan_lvp.so /usr/lib64/libvulkan_lvp.so /usr/lib/libvulkan_lvp.so 2>/dev/null | head -1)
  if [ -z "$driver" ]; then
    echo mesa-vulkan-drivers
    exit 3
  fi
fi

gcc -O2 -shared -fPIC -fvisibility=hidden -o "$folder/lvp_shim.so" "$here/lvp_shim.c" -ldl
ln -sf "$driver" "$folder/libvulkan_lvp.so"
# VK_ICD_FILENAMES=FOLDER/lvp_icd.json selects lavapipe. The path is relative to that file, so the folder can be moved.
printf '{"file_format_version":"1.0.0","ICD":{"library_path":"./libvulkan_lvp.so","api_version":"1.4.305"}}\n' \
  >"$folder/lvp_icd.json"
