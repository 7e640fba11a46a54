"""Does with its memory what it is told, one order a line: python3 unruly.py KIND SIZE DEVICE."""
import ctypes, fcntl, mmap, os, sys, threading

F_ADD_SEALS, F_SEAL_WRITE = 1033, 8
MAP_HUGETLB, MADV_HUGEPAGE = 0x40000, 14
BLOCK = 65536

kind, size, disk = sys.argv[1], int(sys.argv[2]), os.open(sys.argv[3], os.O_RDWR | os.O_DIRECT)
memory, protection = -1, mmap.PROT_READ | mmap.PROT_WRITE
if kind in ("memfd", "sealed", "protected"):
    memory = os.memfd_create("unruly", os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, size)
if kind in ("sealed", "protected"):
    os.pwrite(memory, b"x" * BLOCK, 0)
    protection = mmap.PROT_READ
if kind == "sealed":
    fcntl.fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE)
if kind.startswith("/"):
    memory = os.open(kind, os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(memory, size)
if kind == "huge-memfd":
    memory = os.memfd_create("unruly", os.MFD_HUGETLB)
    os.ftruncate(memory, size)
huge = MAP_HUGETLB if kind == "huge" else 0
buffer = mmap.mmap(memory, size, flags=mmap.MAP_SHARED | huge, prot=protection)
if kind == "transparent":
    buffer.madvise(MADV_HUGEPAGE)
    buffer[:] = bytes(size)
many = [mmap.mmap(-1, BLOCK) for _ in range(100 if kind == "many" else 0)]


def write(at, position):
    with memoryview(buffer) as view, view[at : at + BLOCK] as data:
        return os.pwritev(disk, [data], position)


def read(at, position):
    with memoryview(buffer) as view, view[at : at + BLOCK] as data:
        return os.preadv(disk, [data], position)


def io(at, blocks):
    for block in range(blocks):
        pattern = os.urandom(512) * (BLOCK // 512)
        buffer[at : at + BLOCK] = pattern
        assert write(at, block * BLOCK) == BLOCK
        buffer[at : at + BLOCK] = bytes(BLOCK)
        assert read(at, block * BLOCK) == BLOCK
        assert buffer[at : at + BLOCK] == pattern


late = []


def write_late(at):
    try:
        write(at, 0)
        late.append("written")
    except OSError as e:
        late.append(os.strerror(e.errno))


def obey(order, *words):
    if order == "io":
        io(int(words[0]), int(words[1]))
    elif order == "write":
        assert write(0, 0) == BLOCK
    elif order == "storm":
        say("done")
        while True:
            io(0, 4)
    elif order == "fork":
        child = os.fork()
        if child:
            os.wait()
            os._exit(0)
        return str(os.getpid())
    elif order == "unmap":
        buffer.close()
    elif order == "remove":
        buffer.madvise(mmap.MADV_REMOVE)
    elif order == "shrink":
        os.ftruncate(memory, int(words[0]))
    elif order == "late":
        thread = threading.Thread(target=write_late, args=(int(words[0]),))
        thread.start()
        late.append(thread)
    elif order == "outcome":
        late[0].join()
        return late[1]
    elif order == "exec":
        say("done")
        os.execvp("sleep", ["sleep", "1000000"])
    return "done"


def say(text):
    print(text, flush=True)


say("ready")
for line in sys.stdin:
    say(obey(*line.split()))
