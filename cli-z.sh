set -x
modprobe ublk_drv
truncate -s 64M /tmp/d.img
ublk4j add file /tmp/d.img -z -n 0
mkfs.ext4 -q /dev/ublkb0 && mkdir -p /tmp/m && mount /dev/ublkb0 /tmp/m && dd if=/dev/urandom of=/tmp/m/f bs=1M count=20 conv=fsync status=none && sha256sum /tmp/m/f && umount /tmp/m && mount /dev/ublkb0 /tmp/m && sha256sum /tmp/m/f && umount /tmp/m
ublk4j stat 0
ublk4j del 0
ublk4j add memory --size 64M -z; echo rc $?
ublk4j add memory --size 64M -z -u; echo rc $?
ublk4j add memory --size 64M -u -n 1
dd if=/dev/urandom of=/dev/ublkb1 bs=1M oflag=direct count=16 status=none; ublk4j stat 1; ublk4j del 1
ublk4j add file /tmp/d.img -z --shmem -n 2; echo rc $?
ublk4j list; ublk4j del 2
ublk4j add file /tmp/d.img -z -n 3 --recovery reissue; kill -9 $(ublk4j list --json | grep -o '"server_pid":[0-9]*' | grep -o '[0-9]*'); sleep 2; ublk4j recover 3; dd if=/dev/ublkb3 of=/dev/null bs=1M iflag=direct count=16; ublk4j stat 3; ublk4j del 3
