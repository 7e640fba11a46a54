# shellcheck shell=bash
# Debian's package user-mode-linux, ready to run; sourced, after common.sh and debian.sh, with $work a folder for
# temporary files.

# unpack_uml PACKAGE: has that version of the package in the cache, beside the libc that it needs, which may be newer
# than the host's. Sets guest to its folder, named after the kernel's version: the kernel as "linux", its modules, and
# what it was configured with.
unpack_uml() {
  local package=$1 libc modules version ready
  modules=("$cache/guest/$package"/*/)
  if ((${#modules[@]})); then guest=${modules[0]%/}; return; fi
  libc=$(package_versions libc6 | head -n 1)
  download "user-mode-linux=$package" "libc6=$libc"
  dpkg-deb -x "$work"/debs/user-mode-linux_*.deb "$work/uml"
  dpkg-deb -x "$work"/debs/libc6_*.deb "$work/libc"
  modules=("$work"/uml/usr/lib/uml/modules/*/)
  ((${#modules[@]})) || die "no modules in the package user-mode-linux $package"
  version=$(basename "${modules[0]}")
  guest=$cache/guest/$package/$version
  ready=$work/guest
  mkdir -p "$ready"/lib/modules "$ready/libc" "${guest%/*}"
  cp -L "$work"/libc/usr/lib/x86_64-linux-gnu/{ld-linux-x86-64.so.2,libc.so.6} "$ready/libc/"
  cp "$work/uml/usr/bin/linux.uml" "$ready/linux"
  patchelf --set-interpreter "$guest/libc/ld-linux-x86-64.so.2" --set-rpath "$guest/libc" "$ready/linux"
  mv "${modules[0]%/}" "$ready/lib/modules/$version"
  zcat "$work/uml/usr/share/doc/user-mode-linux/config.gz" >"$ready/config"
  # The rename is the last step: an interrupted run leaves no half kernel. Losing a race to another run is fine.
  mv -T "$ready" "$guest" 2>/dev/null || [[ -d $guest ]]
}
