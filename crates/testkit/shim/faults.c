/* What a disk and a clock may do to a program, on command. Loaded into the program under test
 * (LD_PRELOAD), it reads its orders from the file that DOCMILL_FAULTS names, one per line, and looks
 * at them again whenever the file changed:
 *
 *   clock SECONDS      the wall clock is off by so much; the monotonic one is not
 *   full PERMILLE      so many of a thousand writes find the disk full
 *   readonly PERMILLE  so many of a thousand writes find it read-only
 *
 * Only files below the folder that DOCMILL_FAULTS_BELOW names are struck: pipes and terminals work.
 * C, because functions of the C library are replaced; compiled by the tests that use it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static long offset_seconds;
static int full_permille, readonly_permille;
static __thread int busy;
static __thread uint64_t dice;

/* Reads the orders when they changed. The file is small and replaced by renaming. */
static void look(void) {
    static long seen_ns = -1;
    static long seen_inode = -1;
    const char *path = getenv("DOCMILL_FAULTS");
    struct stat now;
    if (busy || !path) return;
    busy = 1;
    if (stat(path, &now) == 0 && (now.st_mtim.tv_nsec != seen_ns || (long)now.st_ino != seen_inode)) {
        FILE *file = fopen(path, "re");
        char word[32];
        long value;
        long clock = 0, full = 0, readonly = 0;
        if (file) {
            while (fscanf(file, "%31s %ld", word, &value) == 2) {
                if (!strcmp(word, "clock")) clock = value;
                if (!strcmp(word, "full")) full = value;
                if (!strcmp(word, "readonly")) readonly = value;
            }
            fclose(file);
            offset_seconds = clock;
            full_permille = (int)full;
            readonly_permille = (int)readonly;
            seen_ns = now.st_mtim.tv_nsec;
            seen_inode = (long)now.st_ino;
        }
    }
    busy = 0;
}

/* Whether this write fails, and with what; 0: it does not. */
static int struck(int file) {
    look();
    if (busy || (!full_permille && !readonly_permille)) return 0;
    const char *below = getenv("DOCMILL_FAULTS_BELOW");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    busy = 1;
    ssize_t length = readlink(link, path, sizeof path - 1);
    busy = 0;
    if (length <= 0 || !below) return 0;
    path[length] = 0;
    if (strncmp(path, below, strlen(below))) return 0;
    if (!dice) dice = (uint64_t)getpid() * 0x9e3779b97f4a7c15ULL + (uint64_t)(uintptr_t)&dice + 1;
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    int roll = (int)(dice % 1000);
    if (roll < readonly_permille) return EROFS;
    if (roll < full_permille) return ENOSPC;
    return 0;
}

#define STRIKE(file) \
    do { \
        int why = struck(file); \
        if (why) { \
            errno = why; \
            return -1; \
        } \
    } while (0)

ssize_t write(int file, const void *bytes, size_t count) {
    REAL(ssize_t, write, int, const void *, size_t);
    STRIKE(file);
    return real(file, bytes, count);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    STRIKE(file);
    return real(file, parts, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    STRIKE(file);
    return real(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    STRIKE(file);
    return real(file, bytes, count, at);
}

int ftruncate(int file, off_t size) {
    REAL(int, ftruncate, int, off_t);
    STRIKE(file);
    return real(file, size);
}

int ftruncate64(int file, off64_t size) {
    REAL(int, ftruncate64, int, off64_t);
    STRIKE(file);
    return real(file, size);
}

int fsync(int file) {
    REAL(int, fsync, int);
    STRIKE(file);
    return real(file);
}

int fdatasync(int file) {
    REAL(int, fdatasync, int);
    STRIKE(file);
    return real(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(int, clock_gettime, clockid_t, struct timespec *);
    int answer = real(clock, time);
    if (answer == 0 && clock == CLOCK_REALTIME) {
        look();
        time->tv_sec += offset_seconds;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    REAL(int, gettimeofday, struct timeval *, void *);
    int answer = real(time, zone);
    if (answer == 0) {
        look();
        time->tv_sec += offset_seconds;
    }
    return answer;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
