// Opening paths that others may have put links into, and files whose owner is another user.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A lease that another process holds, or a rename beside it, asks for another try.
enum { TRIES = 64 };

static int open_at(int directory, const char *name, int flags, mode_t mode) {
    int descriptor;
    do {
        descriptor = openat(directory, name, flags, mode);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

/// What a kernel without openat2, or a sandbox that refuses it, has to do: one part after the other.
static int walk(int directory, const char *path, int flags, mode_t mode) {
    int here = *path == '/' ? open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
                            : open_at(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    while (here >= 0) {
        while (*path == '/') path++;
        const size_t length = strcspn(path, "/");
        char name[NAME_MAX + 1];
        if (length > NAME_MAX) {
            close(here);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, length);
        name[length] = 0;
        path += length;
        const int is_last = path[strspn(path, "/")] == 0;
        int next = -1;
        if (strcmp(name, "..") == 0) {
            errno = EXDEV;
        } else if (is_last) {
            next = open_at(here, length == 0 ? "." : name, flags | O_NOFOLLOW, mode);
        } else {
            next = open_at(here, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        }
        if (next < 0 && errno == ENOTDIR) {
            // "No directory" counts as absence; a link is none.
            struct stat status;
            if (fstatat(here, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode)) {
                errno = ELOOP;
            } else {
                errno = ENOTDIR;
            }
        }
        const int reason = errno;
        close(here);
        errno = reason;
        if (is_last) return next;
        here = next;
    }
    return -1;
}

int kura_open_without_links(int directory, const char *path, int flags, mode_t mode, int beneath) {
    const int creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .mode = creates ? mode : 0,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (beneath ? RESOLVE_BENEATH : 0)};
    if (beneath && *path == '/') {
        errno = EXDEV;
        return -1;
    }
    for (int try = 0; try < TRIES; try++) {
        const long descriptor = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (descriptor >= 0) return (int)descriptor;
        if (errno == EINTR || errno == EAGAIN) continue;
        if (errno != ENOSYS && errno != EPERM) return -1;
        return walk(directory, path, flags | O_CLOEXEC, mode);
    }
    return -1;
}

int kura_rename_at(int from_directory, const char *from, int to_directory, const char *to,
                   int replacing) {
    return renameat2(from_directory, from, to_directory, to, replacing ? 0 : RENAME_NOREPLACE);
}

// Of the calling thread alone: glibc's calls change all threads.
int kura_borrow_identity(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (syscall(SYS_setgroups, count, groups) != 0) return -1;
    (void)syscall(SYS_setfsgid, group);
    (void)syscall(SYS_setfsuid, user);
    // These two calls tell what was before, and nothing of success.
    if ((gid_t)syscall(SYS_setfsgid, -1) != group || (uid_t)syscall(SYS_setfsuid, -1) != user) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int kura_spawn_session_as(char *const arguments[], char *const environment[], const char *folder,
                          int input, int output, uid_t user, gid_t group) {
    int report[2];
    sigset_t all, before;
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t process = fork();
    if (process == 0) {
        // Only calls that are safe beside the threads that are not here any more.
        for (int number = 1; number < NSIG; number++) {
            struct sigaction action = {.sa_handler = SIG_DFL};
            (void)sigaction(number, &action, NULL);
        }
        sigset_t none;
        sigemptyset(&none);
        if (setsid() >= 0 && dup2(input, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0
            && chdir(folder) == 0
            && syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) == 0
            && syscall(SYS_setgroups, 0, NULL) == 0
            && syscall(SYS_setresgid, group, group, group) == 0
            && syscall(SYS_setresuid, user, user, user) == 0
            && pthread_sigmask(SIG_SETMASK, &none, NULL) == 0) {
            execve(arguments[0], arguments, environment);
        }
        const int reason = errno;
        (void)!write(report[1], &reason, sizeof reason);
        _exit(127);
    }
    const int forked = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    int reason = 0;
    ssize_t count = 0;
    if (process > 0) {
        do {
            count = read(report[0], &reason, sizeof reason);
        } while (count < 0 && errno == EINTR);
    }
    close(report[0]);
    if (process < 0) return -forked;
    if (count != sizeof reason) return process;
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
    return -reason;
}

int kura_o_path(void) {
    return O_PATH;
}
