# shellcheck shell=bash
# Debian's packages from the mirror that apt is configured for, of more suites than the host's own; sourced, after
# common.sh, with $work a folder for temporary files.
#
# A second apt configuration: own sources, own lists, nothing shared with the host's package database.
readonly suites=(bookworm trixie trixie-backports testing sid)
readonly apt_options=(-c "$cache/apt/apt.conf" -qq)

# The archive's URI, as apt itself reads it from sources.list and sources.list.d, one-line or deb822.
debian_archive() {
  local uris
  # shellcheck disable=SC2016 # $(REPO_URI) is apt's, not the shell's
  uris=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u)
  grep -m1 -E '/debian/?$' <<<"$uris" || grep -m1 -E '/debian/' <<<"$uris" ||
    die "apt's sources name no Debian archive to take a kernel from"
}

# Reads the package lists. They are as good as new for an hour, so that several kernels can be had with one look.
read_package_lists() {
  local uri suite keyring=/usr/share/keyrings/debian-archive-keyring.gpg read_at=$cache/apt/read
  if [[ -f $read_at && -n $(find "$read_at" -mmin -60) ]]; then return; fi
  uri=$(debian_archive)
  mkdir -p "$cache"/apt/{lists/partial,cache/archives/partial,state}
  for suite in "${suites[@]}"; do echo "deb [signed-by=$keyring] $uri $suite main"; done >"$cache/apt/sources.list"
  cat >"$cache/apt/apt.conf" <<END
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Dir::Etc::sourcelist "$cache/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$cache/apt/state";
Dir::State::lists "$cache/apt/lists";
Dir::State::status "/dev/null";
Dir::Cache "$cache/apt/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
END
  say "reading the package lists of ${suites[*]}"
  # One suite missing on the mirror is no reason to stop: what counts is whether the package is found afterwards.
  if apt-get "${apt_options[@]}" update >&2; then touch "$read_at"; else say "apt-get update failed in part"; fi
}

package_names() { apt-cache "${apt_options[@]}" search --names-only "$1" | cut -d' ' -f1; }

# package_versions PACKAGE: its versions, the newest first.
package_versions() { apt-cache "${apt_options[@]}" madison "$1" | cut -d'|' -f2 | tr -d ' ' | sort -Vru; }

# package_field PACKAGE[=VERSION] FIELD
package_field() { apt-cache "${apt_options[@]}" show --no-all-versions "$1" | sed -n "s/^$2: //p"; }

# download PACKAGE[=VERSION]...: into $work/debs
download() {
  say "downloading $*"
  mkdir -p "$work/debs"
  (cd "$work/debs" && apt-get "${apt_options[@]}" download "$@" >&2)
}
