# shellcheck shell=bash
# What the scripts of this folder share; sourced, never run.
cache=${XDG_CACHE_HOME:-${HOME:-~}/.cache}/ublk4j/vm
readonly cache
PATH=$PATH:/usr/sbin:/sbin

say() { echo "ublk4j vm: $*" >&2; }

# alone NAME: waits until no other process is at what has this name; this one is until it ends.
alone() {
  local lock
  mkdir -p "$cache"
  exec {lock}>"$cache/$1.lock"
  flock "$lock"
}

# install_tools TOOL:PACKAGE...: installs the packages of those tools that are not there.
install_tools() {
  local pair packages=()
  for pair in "$@"; do
    if ! command -v "${pair%%:*}" >/dev/null; then packages+=("${pair#*:}"); fi
  done
  ((${#packages[@]})) || return 0
  if ((EUID != 0)); then
    die "missing: ${packages[*]}; to install: sudo apt-get install ${packages[*]}"
  fi
  say "installing ${packages[*]}"
  local install=(apt-get install -qq -y --no-install-recommends "${packages[@]}")
  export DEBIAN_FRONTEND=noninteractive
  (
    alone install
    # Empty or old package lists make the first attempt fail.
    "${install[@]}" >/dev/null 2>&1 || { apt-get update -qq >&2 && "${install[@]}" >&2; }
  ) || die "cannot install them"
}
