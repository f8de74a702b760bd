#!/bin/sh
# Fills FOLDER with AMD's shader compiler, which runs without an AMD GPU:
#
#     setup-gpu-compiler.sh LAVAPIPE_FOLDER FOLDER
#
# The driver, libvulkan_radeon.so, is part of the package that setup-lavapipe.sh unpacked into LAVAPIPE_FOLDER. This script
# unpacks the driver's libraries (nothing is installed) and builds the shim radv_null.c. Needs Debian 12, gcc and the
# headers of libvulkan-dev. Exits 3 if packages must be installed; the last line names them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
libraries=usr/lib/$(uname -m)-linux-gnu
mesa=$1/root/$libraries
codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
if [ "$codename" != bookworm ] || [ ! -f "$mesa/libvulkan_radeon.so" ]; then
  echo 'the AMD compiler is set up on Debian 12 only'
  exit 1
fi
if [ ! -f /usr/include/vulkan/vulkan.h ] || [ ! -f "/$libraries/libvulkan.so.1" ]; then
  echo libvulkan-dev libvulkan1
  exit 3
fi
folder=$(mkdir -p "$2/packages" && cd "$2" && pwd)
cd "$folder/packages"
apt-get -qq -o APT::Sandbox::User= download libllvm15 libdrm2 libdrm-amdgpu1 libelf1 libwayland-client0 libxcb-dri3-0 \
  libxcb-present0 libxcb-randr0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxshmfence1 libx11-xcb1 libx11-6 libxcb1 \
  libxau6 libxdmcp6 libbsd0 libmd0 libedit2 libxml2 libz3-4 libzstd1 libexpat1 libtinfo6 libicu72 libsensors5 libffi8
for package in *.deb; do dpkg -x "$package" "$folder/root"; done
rm -r "$folder/packages"
gcc -O1 -shared -fPIC -o "$folder/radv_null.so" "$here/radv_null.c" -ldl
printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.4.305"}}\n' \
  "$folder/radv_null.so" >"$folder/icd.json"
