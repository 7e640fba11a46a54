# shellcheck shell=bash
# What the benchmarks that run in a guest share; sourced, never run.

# server_of NUMBER: prints the process that has the char device of a device open, which serves it.
server_of() {
    local link
    for link in /proc/[0-9]*/fd/*; do
        if [[ $(readlink "$link" || true) == "/dev/ublkc$1" ]]; then
            link=${link#/proc/}
            echo "${link%%/*}"
            return
        fi
    done
}
