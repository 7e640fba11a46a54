# shellcheck shell=bash
# The machine that user-mode Linux makes: a kernel that is a process of the host; sourced by run, whose variables it uses.
# shellcheck disable=SC2086 # $update may be empty

machine_tools=(busybox:busybox-static cpio:cpio mkfs.ext4:e2fsprogs depmod:kmod fio:fio findmnt:util-linux)
scratch_device=/dev/ubda terminal_device=/dev/ttyS0

fetch_kernel() {
  local line=${kernel_spec#uml}
  "$here/build-uml" $update ${line:+"${line#-}"}
}

# Sets how, and memory_folder: where the file lies that is the machine's memory. It is mapped executable.
choose_accelerator() {
  local folder bytes free
  how=uml
  bytes=$(numfmt --from=iec "$memory")
  for folder in /dev/shm "${TMPDIR:-/tmp}" /var/tmp; do
    [[ -d $folder && -w $folder ]] || continue
    if findmnt -no OPTIONS -T "$folder" | grep -qw noexec; then
      say "$folder is mounted noexec: it cannot hold the machine's memory"
      continue
    fi
    free=$(df -B1 --output=avail "$folder" | tail -n 1)
    if ((free < bytes)); then
      say "$folder has $((free >> 20)) MiB free: too little for the machine's memory ($memory)"
      continue
    fi
    memory_folder=$folder
    break
  done
  [[ -n ${memory_folder-} ]] || die "no folder can hold the machine's memory ($memory); --memory asks for less"
  if [[ $(stat -f -c %T "$memory_folder") != tmpfs ]]; then
    say "the machine's memory is on a disk, in $memory_folder: slow when the host writes it back"
  fi
}

# Starts the machine, whose process it leaves in machine_pid.
boot_machine() {
  local dir number=0 disk level=5
  # The machine keeps a descriptor for each file of the host that it has read, and one for each of its processes; without
  # one it can start none.
  ulimit -Sn "$(ulimit -Hn)" 2>/dev/null || true
  local arguments=("mem=$memory" seccomp=auto "initrd=$work/initramfs" "ubd0=$work/scratch.img" "uml_dir=$work/uml"
    umid=machine con0=null,fd:1 con=null ssl=null oops=panic panic=-1)
  if [[ -n $verbose ]]; then level=7; fi
  for dir in "${shares[@]}"; do
    [[ $dir != *,* ]] || die "user-mode Linux cannot share a folder with a comma in its name: $dir"
  done
  for disk in "${disks[@]%,1}"; do
    [[ $disk != *,* ]] || die "user-mode Linux supports one queue and split rings only: --vhost-user ${disk%%,*}"
    arguments+=("virtio_uml.device=$disk:2:$number") # 2: a block device
    number=$((number + 1))
  done
  arguments+=("loglevel=$level")
  # Serial lines as init's port() knows them. The parent's death ends the machine even where no trap could.
  if [[ $mode == shell ]]; then
    TMPDIR=$memory_folder setpriv --pdeathsig TERM "$kernel/linux" "${arguments[@]}" ssl0=fd:4,fd:7 \
      ssl1=null,fd:11 ssl2=null,fd:12 ssl3=null,fd:13 11>"$work/out" 12>"$work/err" 13>"$work/control" \
      </dev/null >>"$work/console.log" 2>&1 5>&- &
  else
    TMPDIR=$memory_folder setpriv --pdeathsig TERM "$kernel/linux" "${arguments[@]}" ssl0=fd:10,null \
      ssl1=null,fd:11 ssl2=null,fd:12 ssl3=null,fd:13 ssl4=null,fd:14 10<"$work/in" 11>"$work/out" 12>"$work/err" \
      13>"$work/control" 14<>"$work/in.taken" </dev/null >>"$work/console.log" 2>&1 4>&- 5>&- 7>&- &
  fi
  machine_pid=$!
}

# Passes the command's input on to the machine. The serial line stays open: its end is a message of its own.
feed_machine() { exec "$here/frames" pack "$work/in.taken"; }
