#define _GNU_SOURCE
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char *buffer = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int disk = open(argv[argc - 1], O_RDWR | O_DIRECT);
    puts("ready"), fflush(stdout), getchar();
    for (int i = 0; i < 16; i++) {
        memset(buffer, 'a' + i, 65536);
        assert(pwrite(disk, buffer, 65536, i * 65536) == 65536);
        assert(pread(disk, buffer + 65536, 65536, i * 65536) == 65536);
        assert(memcmp(buffer, buffer + 65536, 65536) == 0);
    }
    puts("done"), fflush(stdout), getchar();
    return 0;
}
