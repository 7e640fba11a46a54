import mmap, os, sys

buffer = mmap.mmap(-1, 4 << 20)
disk = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
print("ready", flush=True)
sys.stdin.readline()
for block in range(16):
    buffer[:65536] = bytes([block]) * 65536
    os.pwritev(disk, [memoryview(buffer)[:65536]], block * 65536)
    os.preadv(disk, [memoryview(buffer)[65536:131072]], block * 65536)
    assert buffer[65536:131072] == buffer[:65536]
print("done", flush=True)
sys.stdin.readline()
