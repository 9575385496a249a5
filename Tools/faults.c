// A library that is loaded before libc and makes calls of a program go wrong, counted over all of its threads. strace
// counts a thread's calls alone, and cannot really shorten a write. Tools that use it compile it.
//
// KURA_FAULTS is "CALL... WHAT HOW NUMBER":
//   CALL   write, pwrite, read, pread, fsync, fdatasync, rename, unlink, open, mkdir, ftruncate
//   WHAT   kill    the process is killed on the way into the call
//          skip    nothing is done, and success is reported
//          short   half of the bytes are transferred
//          ERROR   nothing is done, and this error is reported: EIO, ENOSPC, EINTR, EDQUOT, EAGAIN
//   HOW    at      the NUMBERth of these calls
//          from    the NUMBERth and all after it
//          every   each NUMBERth
// With KURA_FAULTS_COUNT=FILE the number of these calls is written there when the program ends.
// KURA_CLOCK is a number of seconds by which the wall clock is ahead; below 0 it is behind.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE, PWRITE, READ, PREAD, FSYNC, FDATASYNC, RENAME, UNLINK, OPEN, MKDIR, FTRUNCATE, KINDS };
static const char *const names[KINDS] = {"write", "pwrite", "read", "pread", "fsync", "fdatasync",
                                         "rename", "unlink", "open", "mkdir", "ftruncate"};
enum what { NOTHING, KILL, SKIP, SHORT, FAIL };

static int chosen[KINDS], error;
static enum what what;
static char how;
static long number;
static atomic_long count;
static time_t clock_ahead;

static const struct { const char *name; int number; } errors[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}, {"EDQUOT", EDQUOT}, {"EAGAIN", EAGAIN}};

static void take(const char *word) {
    for (int kind = 0; kind < KINDS; kind++) {
        if (strcmp(word, names[kind]) == 0) chosen[kind] = 1;
    }
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (strcmp(word, errors[i].name) == 0) what = FAIL, error = errors[i].number;
    }
    if (strcmp(word, "kill") == 0) what = KILL;
    if (strcmp(word, "skip") == 0) what = SKIP;
    if (strcmp(word, "short") == 0) what = SHORT;
    if (strcmp(word, "at") == 0 || strcmp(word, "from") == 0 || strcmp(word, "every") == 0) how = word[0];
    if (*word >= '1' && *word <= '9') number = atol(word);
}

__attribute__((constructor)) static void prepare(void) {
    const char *text = getenv("KURA_FAULTS");
    char *copy = text ? strdup(text) : NULL;
    for (char *word = copy ? strtok(copy, " ") : NULL; word; word = strtok(NULL, " ")) take(word);
    free(copy);
    text = getenv("KURA_CLOCK");
    clock_ahead = text ? atol(text) : 0;
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("KURA_FAULTS_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&count));
    fclose(file);
}

// What is done to this call. NOTHING for most.
static enum what fate(enum kind kind) {
    if (!chosen[kind] || what == NOTHING) return NOTHING;
    const long n = atomic_fetch_add(&count, 1) + 1;
    const int hit = how == 'a' ? n == number : how == 'f' ? n >= number : number > 0 && n % number == 0;
    if (!hit) return NOTHING;
    if (what == KILL) raise(SIGKILL);
    if (what == FAIL) errno = error;
    return what;
}

// A call whose result is 0 or -1.
#define PLAIN(name, kind, parameters, ...)            \
    int name parameters {                             \
        static int(*real) parameters;                 \
        if (!real) real = dlsym(RTLD_NEXT, #name);    \
        switch (fate(kind)) {                         \
        case FAIL: return -1;                         \
        case SKIP: return 0;                          \
        default: return real(__VA_ARGS__);            \
        }                                             \
    }

// A call that transfers bytes.
#define TRANSFER(name, kind, parameters, descriptor, buffer, size, ...)                        \
    ssize_t name parameters {                                                                  \
        static ssize_t(*real) parameters;                                                      \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                             \
        switch (fate(kind)) {                                                                  \
        case FAIL: return -1;                                                                  \
        case SKIP: return (ssize_t)size;                                                       \
        case SHORT: return real(descriptor, buffer, size > 1 ? size / 2 : size, ##__VA_ARGS__); \
        default: return real(descriptor, buffer, size, ##__VA_ARGS__);                         \
        }                                                                                      \
    }

TRANSFER(write, WRITE, (int f, const void *b, size_t n), f, b, n)
TRANSFER(pwrite, PWRITE, (int f, const void *b, size_t n, off_t at), f, b, n, at)
TRANSFER(pwrite64, PWRITE, (int f, const void *b, size_t n, off64_t at), f, b, n, at)
TRANSFER(read, READ, (int f, void *b, size_t n), f, b, n)
TRANSFER(pread, PREAD, (int f, void *b, size_t n, off_t at), f, b, n, at)
TRANSFER(pread64, PREAD, (int f, void *b, size_t n, off64_t at), f, b, n, at)

PLAIN(fsync, FSYNC, (int f), f)
PLAIN(fdatasync, FDATASYNC, (int f), f)
PLAIN(rename, RENAME, (const char *from, const char *to), from, to)
PLAIN(renameat2, RENAME, (int d, const char *from, int e, const char *to, unsigned flags), d, from, e, to, flags)
PLAIN(unlink, UNLINK, (const char *path), path)
PLAIN(unlinkat, UNLINK, (int d, const char *path, int flags), d, path, flags)
PLAIN(mkdirat, MKDIR, (int d, const char *path, mode_t mode), d, path, mode)
PLAIN(mkdir, MKDIR, (const char *path, mode_t mode), path, mode)
PLAIN(ftruncate, FTRUNCATE, (int f, off_t size), f, size)
PLAIN(ftruncate64, FTRUNCATE, (int f, off64_t size), f, size)

#define OPENER(name)                                                             \
    int name(const char *path, int flags, ...) {                                 \
        static int (*real)(const char *, int, ...);                              \
        if (!real) real = dlsym(RTLD_NEXT, #name);                               \
        va_list rest;                                                            \
        va_start(rest, flags);                                                   \
        const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                            \
        return fate(OPEN) == FAIL ? -1 : real(path, flags, mode);                \
    }

OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                                          \
    int name(int directory, const char *path, int flags, ...) {                  \
        static int (*real)(int, const char *, int, ...);                         \
        if (!real) real = dlsym(RTLD_NEXT, #name);                               \
        va_list rest;                                                            \
        va_start(rest, flags);                                                   \
        const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                            \
        return fate(OPEN) == FAIL ? -1 : real(directory, path, flags, mode);     \
    }

OPENER_AT(openat)
OPENER_AT(openat64)

// openat2 has no function of its own.
long syscall(long number, ...) {
    static long (*real)(long, ...);
    if (!real) real = dlsym(RTLD_NEXT, "syscall");
    va_list rest;
    long a[6];
    va_start(rest, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_openat2 && fate(OPEN) == FAIL) return -1;
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// The wall clock. Clocks that count durations stay as they are.
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    const int result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += clock_ahead;
    return result;
}

time_t time(time_t *result) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}
