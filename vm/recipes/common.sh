# shellcheck shell=bash
# What the recipes share; sourced, never run. Each serves a device, runs a program that knows nothing of ublk4j over it, has the
# program's memory adopted, and prints a line for each thing it has had the program do.
readonly unavailable=125
recipes=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
readonly recipes
PATH=$recipes/../..:$PATH:/usr/sbin:/sbin
export LC_ALL=C

die() { echo "${0##*/}: $*" >&2; exit 1; }

# cannot REASON: this machine lacks what the recipe is about.
cannot() { echo "${0##*/}: $*" >&2; exit "$unavailable"; }

((EUID == 0)) || cannot "needs root, to add a device"

# What the machine runs cannot be built there: it has no network.
if [[ -e /run/ublk4j/settings ]] && ! compgen -G "$recipes/../../cli/target/ublk4j-cli-*.jar" >/dev/null; then
  cannot "ublk4j is not built; type, outside of the machine: ./ublk4j --version"
fi

# Mounts are seen by this recipe and its children only, and end with them.
if [[ -z ${RECIPE_HAS_MOUNTS-} ]]; then RECIPE_HAS_MOUNTS=yes exec unshare --mount "$0" "$@"; fi

device='' before=() work=
clean_up() {
  trap '' INT TERM HUP
  stop_program
  if [[ -n $device ]]; then ublk4j del "$device" >/dev/null || true; fi
  if [[ -n $work ]]; then rm -rf "$work"; fi
}
stop_program() { :; } # recipes have their own
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d "${TMPDIR:-/tmp}/recipe.XXXXXX")
chmod 755 "$work"

# answer NAME COMMAND...: sets NAME to what a command prints, and shows it if it fails: a JVM that crashes says so there.
answer() {
  local -n into=$1
  shift
  into=$("$@") || { local status=$?; printf '%s\n' "$into" >&2; exit "$status"; }
}

# serve memory|file SIZE: adds a device. Sets device and disk.
serve() {
  case $1 in
    memory) answer disk ublk4j add memory "$2" --shmem ;;
    file)
      truncate -s "$2" "$work/disk.img"
      answer disk ublk4j add file "$work/disk.img" --shmem
      ;;
    *) die "--target takes memory or file, not '$1'" ;;
  esac
  device=${disk##*ublkb}
}

# counted: the device's requests and bytes that were shared, and those that were copied, and its reads, so far
counted() {
  local name all
  answer all ublk4j stat "$device" --json
  for name in shared_requests copied_requests shared_bytes copied_bytes read; do
    [[ $all =~ \"$name\":([0-9]+) ]] || die "no $name in: $all"
    echo "${BASH_REMATCH[1]}"
  done
}

# adopt PID: has the memory adopted that this process shares
adopt() { ublk4j shmem adopt "$device" --pid "$1" >"$work/adopted"; }

# release: every buffer of the device
release() {
  local number index
  while read -r number index _; do
    if [[ $number == "$device" ]]; then ublk4j shmem remove "$device" "$index" >/dev/null; fi
  done < <(ublk4j shmem list)
}

print_line() { printf '%-34s %8s %8s %8s %12s %12s\n' "$@"; }

# title: begins the table
title() { print_line '' SECONDS SHARED COPIED 'MIB SHARED' 'MIB COPIED'; }

# begin: what the device counts from now on is for the next row
begin() { mapfile -t before < <(counted); }

mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1048576 }'; }

# row NAME SECONDS: a line with what the device has counted since the last, or since 'begin'
row() {
  local now
  mapfile -t now < <(counted)
  print_line "$1" "$2" $((now[0] - before[0])) $((now[1] - before[1])) \
    "$(mib $((now[2] - before[2])))" "$(mib $((now[3] - before[3])))"
  before=("${now[@]}")
}

# total: what the device has counted in all, and the block layer beside it. Nothing uses the device any more.
total() {
  local all reads
  mapfile -t all < <(counted)
  read -r reads _ <"/sys/block/ublkb$device/stat"
  echo "in total: ${all[0]} shared, ${all[1]} copied; ${all[4]} reads, and $reads by the block layer's count"
}

# timed COMMAND...: sets seconds to what it takes
timed() {
  local began=$EPOCHREALTIME
  "$@"
  seconds=$(awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { printf "%.2f", ended - began }')
}

# await PID CONDITION...: until the condition holds; fails when the process ends before
await() {
  local pid=$1
  shift
  until "$@"; do
    kill -0 "$pid" 2>/dev/null || { "$@" && break; return 1; }
    sleep 0.1
  done
}
