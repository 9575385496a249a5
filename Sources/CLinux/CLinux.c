#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

off_t kura_seek_data(int descriptor, off_t offset) {
    return lseek(descriptor, offset, SEEK_DATA);
}

off_t kura_seek_hole(int descriptor, off_t offset) {
    return lseek(descriptor, offset, SEEK_HOLE);
}

int kura_rename_exclusive(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int kura_punch_hole(int descriptor, off_t offset, off_t length) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

void kura_want_huge_pages(void *memory, size_t length) {
    (void)madvise(memory, length, MADV_HUGEPAGE);
}

void kura_start_writeback(int descriptor, off_t offset, off_t length) {
    (void)sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE);
}

int kura_block_device_size(int descriptor, uint64_t *size) {
    return ioctl(descriptor, BLKGETSIZE64, size);
}

int kura_open(const char *path, int flags, mode_t mode) {
    int descriptor;
    do {
        descriptor = open(path, flags, mode);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

int kura_set_direct(int descriptor, int direct) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT);
}

int kura_open_direct(const char *path) {
    int descriptor;
    do {
        descriptor = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

int kura_processor_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
    return CPU_COUNT(&set);
}

int kura_terminal_columns(int descriptor) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

int kura_socket_pair_cloexec(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

int kura_event_descriptor(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int kura_watch(const char *path, int events) {
    uint32_t mask = 0;
    if (events & KURA_WATCH_CHANGE) mask |= IN_MODIFY;
    if (events & KURA_WATCH_CLOSE) mask |= IN_CLOSE_WRITE | IN_DELETE_SELF;
    const int descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (descriptor < 0) return -1;
    if (inotify_add_watch(descriptor, path, mask) < 0) {
        const int reason = errno;
        close(descriptor);
        errno = reason;
        return -1;
    }
    return descriptor;
}

int kura_memory_file(void) {
    return memfd_create("kura", MFD_CLOEXEC);
}

int kura_o_tmpfile(void) {
    return O_TMPFILE;
}

int kura_clone_file(int target, int source) {
    return ioctl(target, FICLONE, source);
}

/// Gives the child of `posix_spawn` its surroundings: no descriptor but the first three, signals as
/// they are by default, and `flags` besides.
static int spawn(posix_spawn_file_actions_t *actions, int flags, char *const arguments[],
                 char *const environment[], const char *folder) {
    posix_spawnattr_t attributes;
    sigset_t signals;
    pid_t process = 0;
    int result = posix_spawnattr_init(&attributes);
    if (result != 0) return -result;
    posix_spawn_file_actions_addchdir_np(actions, folder);
    posix_spawn_file_actions_addclosefrom_np(actions, 3);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | flags);
    result = posix_spawnp(&process, arguments[0], actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    return result == 0 ? process : -result;
}

int kura_spawn_session(char *const arguments[], char *const environment[], const char *folder,
                       int input, int output) {
    posix_spawn_file_actions_t actions;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) return -result;
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
    result = spawn(&actions, POSIX_SPAWN_SETSID, arguments, environment, folder);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int kura_spawn_writer(char *const arguments[], char *const environment[], const char *folder,
                      int output) {
    posix_spawn_file_actions_t actions;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) return -result;
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    result = spawn(&actions, 0, arguments, environment, folder);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int kura_pipe_cloexec(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}

int kura_is_byte_locked(int descriptor, off_t offset) {
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1, .l_pid = 0};
    if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -1;
    return lock.l_type != F_UNLCK;
}
