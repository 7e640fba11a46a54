set -e
lsblk 2>/dev/null || true; cat /sys/block/vdb/serial; echo; cat /sys/block/vdb/queue/{discard_granularity,write_cache,max_segments}
mkfs.ext4 -q /dev/vdb; mkdir -p /mnt/x; mount /dev/vdb /mnt/x
dd if=/dev/urandom of=/mnt/x/a bs=1M count=64 2>&1 | tail -1; cp /mnt/x/a /mnt/x/b; sync; echo 3 > /proc/sys/vm/drop_caches
sha256sum /mnt/x/a /mnt/x/b; fstrim -v /mnt/x; umount /mnt/x; e2fsck -fn /dev/vdb; dmesg | tail -3
