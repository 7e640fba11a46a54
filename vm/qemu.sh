# shellcheck shell=bash
# The machine that QEMU makes; sourced by run, whose variables it uses.
# shellcheck disable=SC2086 # $update may be empty

machine_tools=(qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio mkfs.ext4:e2fsprogs depmod:kmod
  zstd:zstd xz:xz-utils fio:fio)
scratch_device=/dev/vda terminal_device=/dev/hvc0

# fetch_kernel: prints the folder of the kernel.
fetch_kernel() { "$here/fetch-kernel" $update "$kernel_spec"; }

quoted() { printf '%s' "${1//,/,,}"; } # a value within a QEMU option

# Before 8.1, QEMU can lose a change that one processor makes to code while another translates it, as HotSpot does: the JVM
# then ends with SIGSEGV or SIGILL on the first instruction of a method. Processors that take turns translate one at a time.
tcg_threads() {
  local version
  version=$(qemu-system-x86_64 --version | sed -n '1s/.* version \([0-9]*\.[0-9]*\).*/\1/p')
  if [[ $(printf '%s\n' 8.1 "$version" | sort -V | head -n 1) == 8.1 ]]; then echo multi; else echo single; fi
}

qemu_arguments() { # sets the array arguments
  local how=$1 append=$2
  local q35=q35
  # A vhost-user device reads and writes the machine's memory itself, so that has to be a file which both can map.
  if ((${#disks[@]})); then q35+=,memory-backend=memory; fi
  arguments=(-nodefaults -no-user-config -display none -no-reboot -machine "$q35" -smp "$cpus" -m "$memory"
    -kernel "$kernel/vmlinux" -append "console=ttyS0 panic=-1 $append")
  if ((${#disks[@]})); then arguments+=(-object "memory-backend-memfd,id=memory,size=$memory,share=on"); fi
  if [[ $how == kvm ]]; then
    arguments+=(-accel kvm -cpu host)
  else
    arguments+=(-accel "tcg,thread=$(tcg_threads)" -cpu max)
  fi
}

# KVM counts only if this kernel comes up on it: a nested or restricted KVM may be there and yet hang or crash.
kvm_works() {
  [[ -w /dev/kvm ]] || return 1
  local verdict_file answer=no
  verdict_file=$cache/accel/$(basename "$kernel")-on-$(uname -r)
  if [[ -n $update || ! -f $verdict_file ]]; then
    qemu_arguments kvm 'quiet oops=panic ublk4j.probe'
    # A shell of its own, or bash would tell the user how QEMU died.
    (timeout --foreground -k 1 10 qemu-system-x86_64 "${arguments[@]}" -initrd "$work/initramfs" \
      -serial "file:$work/probe.log" || true) </dev/null >/dev/null 2>&1
    if grep -qs ublk4j-probe-ok "$work/probe.log"; then answer=yes; else say "KVM does not work here: emulating"; fi
    mkdir -p "${verdict_file%/*}"
    echo "$answer" >"$verdict_file"
  fi
  [[ $(<"$verdict_file") == yes ]]
}

# Sets how: kvm or tcg.
choose_accelerator() {
  how=$accel
  if [[ $accel == auto ]]; then if kvm_works; then how=kvm; else how=tcg; fi; fi
}

# Starts the machine, whose process it leaves in machine_pid.
boot_machine() {
  local level=5 port number=0 dir disk queues packed
  if [[ -n $verbose ]]; then level=7; fi
  qemu_arguments "$how" "loglevel=$level oops=panic hugepages=$hugepages watchdog_thresh=60"
  arguments+=(-initrd "$work/initramfs"
    -chardev "file,id=log,path=$work/console.log" -serial chardev:log
    -drive "file=$work/scratch.img,format=raw,if=virtio,cache=unsafe,discard=unmap"
    -fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
    -device virtio-9p-pci,fsdev=root,mount_tag=root
    -fsdev "local,id=modules,path=$(quoted "$kernel")/lib/modules/$(basename "$kernel"),security_model=none,readonly=on"
    -device virtio-9p-pci,fsdev=modules,mount_tag=modules
    -device virtio-serial-pci,max_ports=8 -chardev stdio,id=stdin,signal=off)
  for dir in "${shares[@]}"; do
    arguments+=(-fsdev "local,id=share$number,path=$(quoted "$dir"),security_model=none,multidevs=remap"
      -device "virtio-9p-pci,fsdev=share$number,mount_tag=share$number")
    number=$((number + 1))
  done
  number=0
  for disk in "${disks[@]}"; do
    IFS=, read -r disk queues packed <<<"$disk"
    # Late on the bus, so that the scratch disk stays the first.
    arguments+=(-chardev "socket,id=disk$number,path=$disk,reconnect=1"
      -device "vhost-user-blk-pci,chardev=disk$number,num-queues=${queues:-1},${packed:+packed=on,}addr=$(
        printf 0x%x $((0x10 + number)))")
    number=$((number + 1))
  done
  if [[ $mode == shell ]]; then
    arguments+=(-device virtconsole,chardev=stdin,nr=0)
  else
    arguments+=(-device virtserialport,chardev=stdin,nr=1)
  fi
  number=2
  for port in out err control; do
    arguments+=(-chardev "file,id=$port,path=$work/$port" -device "virtserialport,chardev=$port,nr=$number")
    number=$((number + 1))
  done
  # The parent's death ends QEMU even where no trap could.
  if [[ $mode == shell ]]; then
    setpriv --pdeathsig TERM qemu-system-x86_64 "${arguments[@]}" <&4 2>"$work/machine.log" 5>&- 7>&- &
  else
    setpriv --pdeathsig TERM qemu-system-x86_64 "${arguments[@]}" <"$work/in" >/dev/null 2>"$work/machine.log" \
      4>&- 5>&- 7>&- &
  fi
  machine_pid=$!
}

# Passes the command's input on to the machine.
feed_machine() { exec cat; }
