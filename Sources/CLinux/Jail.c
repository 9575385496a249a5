// A program that reads bytes which may be hostile, where it can do no harm: it sees its own libraries
// and the named files, read-only, has no network, no rights, and ends with this process.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// By number, because headers of some systems do not have them yet.
enum {
    CALL_OPEN_TREE = 428, CALL_MOVE_MOUNT = 429, CALL_PIDFD_OPEN = 434, CALL_CLOSE_RANGE = 436,
    CALL_MOUNT_SETATTR = 442, CALL_LANDLOCK_CREATE = 444, CALL_LANDLOCK_ADD = 445,
    CALL_LANDLOCK_RESTRICT = 446
};
enum { TREE_CLONE = 1, TREE_RECURSIVE = 0x8000, MOVE_FROM_DESCRIPTOR = 4 };
enum { ATTRIBUTE_READ_ONLY = 1, ATTRIBUTE_NO_SUID = 2, ATTRIBUTE_NO_EXEC = 8 };
enum { ATTRIBUTE_IDMAP = 0x100000 };

struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};

// The user that owns nothing.
enum { NOBODY = 65534, FILES_MAX = 64, NAME_BYTES = 64 };

/// A number as text behind what is there.
static void append_number(char *text, unsigned long number) {
    char digits[24];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text += strlen(text);
    while (count > 0) *text++ = digits[--count];
    *text = 0;
}

static void name_of_descriptor(char *text, const char *prefix, int number) {
    strcpy(text, prefix);
    append_number(text, (unsigned long)number);
}

static int write_text(const char *path, const char *text) {
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    const ssize_t count = write(file, text, strlen(text));
    close(file);
    return count == (ssize_t)strlen(text) ? 0 : -1;
}

/// A map of one id: `inside` of a namespace is `outside`.
static int write_map(const char *prefix, const char *file, unsigned long inside, unsigned long outside) {
    char path[NAME_BYTES], text[NAME_BYTES] = "";
    strcpy(path, prefix);
    strcat(path, file);
    append_number(text, inside);
    strcat(text, " ");
    append_number(text, outside);
    strcat(text, " 1");
    return write_text(path, text);
}

/// Makes a mount whose file belongs to nobody there, whoever owns it elsewhere. 0, or -1 where the
/// file system cannot.
static int give_to_nobody(int tree, const struct stat *status) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) return -1;
    const pid_t holder = fork();
    if (holder == 0) {
        char byte = syscall(SYS_unshare, CLONE_NEWUSER) == 0;
        (void)!write(ready[1], &byte, 1);
        // Until it is killed.
        for (;;) pause();
    }
    close(ready[1]);
    int result = -1;
    char byte = 0;
    if (holder > 0 && read(ready[0], &byte, 1) == 1 && byte) {
        char prefix[NAME_BYTES];
        name_of_descriptor(prefix, "/proc/", holder);
        if (write_map(prefix, "/uid_map", status->st_uid, NOBODY) == 0
            && write_map(prefix, "/gid_map", status->st_gid, NOBODY) == 0) {
            strcat(prefix, "/ns/user");
            const int space = open(prefix, O_RDONLY | O_CLOEXEC);
            if (space >= 0) {
                struct attributes wanted = {
                    .set = ATTRIBUTE_IDMAP, .user_namespace = (uint64_t)space};
                result = (int)syscall(
                    CALL_MOUNT_SETATTR, tree, "", AT_EMPTY_PATH, &wanted, sizeof wanted);
                close(space);
            }
        }
    }
    close(ready[0]);
    if (holder > 0) {
        kill(holder, SIGKILL);
        while (waitpid(holder, NULL, 0) < 0 && errno == EINTR) {}
    }
    return result;
}

static int tree_of(int directory, const char *path, int flags) {
    return (int)syscall(
        CALL_OPEN_TREE, directory, path, TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | flags);
}

/// The mount of a file by the path that the kernel knows it by, in this process's own namespace of
/// mounts. -1 where that leads to another file.
static int tree_by_path(int file) {
    char link[NAME_BYTES], path[PATH_MAX];
    name_of_descriptor(link, "/proc/self/fd/", file);
    const ssize_t count = readlink(link, path, sizeof path - 1);
    if (count <= 0) return -1;
    path[count] = 0;
    struct stat wanted, found;
    const int again = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (again < 0) return -1;
    int tree = -1;
    if (fstat(file, &wanted) == 0 && fstat(again, &found) == 0 && wanted.st_dev == found.st_dev
        && wanted.st_ino == found.st_ino) {
        tree = tree_of(again, "", 0);
    }
    close(again);
    return tree;
}

static int place(int tree, const char *name, uint64_t set, int recursive) {
    struct attributes wanted = {.set = set};
    if (syscall(CALL_MOUNT_SETATTR, tree, "", AT_EMPTY_PATH | (recursive ? TREE_RECURSIVE : 0),
                &wanted, sizeof wanted) != 0) {
        return -1;
    }
    return (int)syscall(CALL_MOVE_MOUNT, tree, "", AT_FDCWD, name, MOVE_FROM_DESCRIPTOR);
}

static int make_file(const char *name) {
    const int file = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
    if (file < 0) return -1;
    close(file);
    return 0;
}

/// A directory of the system, or the link that stands there.
static int place_folder(const char *name) {
    char path[NAME_BYTES] = "/", target[PATH_MAX];
    strcat(path, name);
    struct stat status;
    if (lstat(path, &status) != 0) return 0;
    if (S_ISLNK(status.st_mode)) {
        const ssize_t count = readlink(path, target, sizeof target - 1);
        if (count <= 0) return -1;
        target[count] = 0;
        return symlink(target, name);
    }
    const int tree = tree_of(AT_FDCWD, path, TREE_RECURSIVE);
    if (tree < 0 || mkdir(name, 0755) != 0) return -1;
    return place(tree, name, ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SUID, 1);
}

/// A root of its own, in a new namespace of mounts: programs and libraries, /dev/null, and the files
/// under the names that this process has for its descriptors.
static int build_root(const int *trees, int count) {
    static const char *const folders[] = {"lib", "lib64", "bin", "usr"};
    if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
    const int null = tree_of(AT_FDCWD, "/dev/null", 0);
    const int cache = tree_of(AT_FDCWD, "/etc/ld.so.cache", 0);
    const int usr = tree_of(AT_FDCWD, "/usr", TREE_RECURSIVE);
    // Any directory that every system has can carry it.
    if (null < 0 || usr < 0
        || mount("kura", "/usr", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755") != 0
        || chdir("/usr") != 0 || mkdir("dev", 0755) != 0 || mkdir("etc", 0755) != 0
        || mkdir("proc", 0755) != 0 || mkdir("proc/self", 0755) != 0
        || mkdir("proc/self/fd", 0755) != 0 || make_file("dev/null") != 0
        || place(null, "dev/null", ATTRIBUTE_NO_SUID | ATTRIBUTE_NO_EXEC, 0) != 0) {
        return -1;
    }
    if (cache >= 0
        && (make_file("etc/ld.so.cache") != 0
            || place(cache, "etc/ld.so.cache", ATTRIBUTE_READ_ONLY, 0) != 0)) {
        return -1;
    }
    for (int index = 0; index < 4; index++) {
        if (strcmp(folders[index], "usr") == 0) {
            if (mkdir("usr", 0755) != 0
                || place(usr, "usr", ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SUID, 1) != 0) {
                return -1;
            }
        } else if (place_folder(folders[index]) != 0) {
            return -1;
        }
    }
    for (int index = 0; index < count; index++) {
        char name[NAME_BYTES];
        name_of_descriptor(name, "proc/self/fd/", KURA_JAIL_FIRST_FILE + index);
        if (make_file(name) != 0
            || place(trees[index], name,
                     ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SUID | ATTRIBUTE_NO_EXEC, 0) != 0) {
            return -1;
        }
    }
    struct attributes still = {.set = ATTRIBUTE_READ_ONLY};
    if (syscall(CALL_MOUNT_SETATTR, AT_FDCWD, ".", 0, &still, sizeof still) != 0) return -1;
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0) return -1;
    return chdir("/");
}

/// Without a root of its own: the kernel opens nothing for it but programs, libraries and the files.
static int confine_by_landlock(const int *files, int count) {
    const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE;
    const uint64_t folders =
        reading | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
    // All that the first version of the call knows.
    struct landlock_ruleset_attr all = {.handled_access_fs = (1 << 13) - 1};
    const int rules = (int)syscall(CALL_LANDLOCK_CREATE, &all, sizeof all.handled_access_fs, 0);
    if (rules < 0) return -1;
    static const char *const seen[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/dev/null"};
    int result = 0;
    for (int index = 0; index < 6 && result == 0; index++) {
        const int file = open(seen[index], O_PATH | O_CLOEXEC);
        if (file < 0) continue;
        struct landlock_path_beneath_attr rule = {
            .parent_fd = file,
            .allowed_access = index < 4 ? folders : index == 5 ? reading | LANDLOCK_ACCESS_FS_WRITE_FILE : reading};
        result = (int)syscall(CALL_LANDLOCK_ADD, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        close(file);
    }
    for (int index = 0; index < count && result == 0; index++) {
        struct landlock_path_beneath_attr rule = {
            .parent_fd = files[index], .allowed_access = reading};
        result = (int)syscall(CALL_LANDLOCK_ADD, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    if (result == 0) result = (int)syscall(CALL_LANDLOCK_RESTRICT, rules, 0);
    close(rules);
    return result;
}

static void limit(int resource, rlim_t most) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return;
    if (limit.rlim_max > most) limit.rlim_max = most;
    if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(resource, &limit);
}

/// Closes every descriptor from 3 on, except for some.
static void close_others(const int *kept, int count) {
    unsigned int next = 3;
    for (;;) {
        unsigned int nearest = ~0u;
        for (int index = 0; index < count; index++) {
            const unsigned int number = (unsigned int)kept[index];
            if (kept[index] >= 0 && number >= next && number < nearest) nearest = number;
        }
        if (nearest > next) (void)syscall(CALL_CLOSE_RANGE, next, nearest == ~0u ? ~0u : nearest - 1, 0u);
        if (nearest == ~0u) return;
        next = nearest + 1;
    }
}

struct plan {
    uid_t user;
    gid_t group;
    int changes_user, is_rooted, missing;
};

/// What the program itself does before it is one. Returns only with an error.
static int become(const struct kura_jail *jail, const struct plan *plan, const int *files, int listener,
                  int report) {
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 1 << 16);
    limit(RLIMIT_NOFILE, 256);
    limit(RLIMIT_DATA, (rlim_t)2 << 30);
    limit(RLIMIT_AS, (rlim_t)64 << 30);
    int missing = plan->missing;
    for (int right = 0; right < 64; right++) (void)prctl(PR_CAPBSET_DROP, right, 0, 0, 0);
    if (plan->changes_user
        && (syscall(SYS_setgroups, 0, NULL) != 0
            || syscall(SYS_setresgid, plan->group, plan->group, plan->group) != 0
            || syscall(SYS_setresuid, plan->user, plan->user, plan->user) != 0)) {
        return errno;
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &header, none) != 0) return errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (!plan->is_rooted && confine_by_landlock(files, jail->file_count) != 0) {
        missing |= KURA_JAIL_NO_FILES;
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno;
    (void)!write(report, &missing, sizeof missing);
    // The socket and the files get their numbers, first above all that is in the way.
    int moved[FILES_MAX + 2];
    const int above = KURA_JAIL_FIRST_FILE + FILES_MAX;
    for (int index = 0; index < jail->file_count; index++) {
        moved[index] = plan->is_rooted ? -1 : fcntl(files[index], F_DUPFD_CLOEXEC, above);
    }
    const int socket = fcntl(listener, F_DUPFD_CLOEXEC, above);
    const int words = fcntl(report, F_DUPFD_CLOEXEC, above);
    if (socket < 0 || words < 0 || dup2(jail->output, 1) < 0 || dup2(jail->output, 2) < 0) return errno;
    (void)syscall(CALL_CLOSE_RANGE, 3u, (unsigned)above - 1, 0u);
    (void)syscall(CALL_CLOSE_RANGE, (unsigned)above, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
    if (dup2(socket, 3) < 0) return errno;
    for (int index = 0; index < jail->file_count; index++) {
        if (moved[index] >= 0 && dup2(moved[index], KURA_JAIL_FIRST_FILE + index) < 0) return errno;
    }
    const int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0) return errno;
    if (null > 2) close(null);
    char process[NAME_BYTES] = "LISTEN_PID=";
    append_number(process, (unsigned long)getpid());
    char *environment[] = {"LISTEN_FDS=1", process, "LC_ALL=C", "PATH=/usr/bin", NULL};
    execve(jail->arguments[0], jail->arguments, environment);
    const int reason = errno;
    (void)!write(words, &reason, sizeof reason);
    _exit(127);
}

/// Waits for the program's end, and ends it when the other end of `alive` is closed.
static _Noreturn void watch(pid_t program, int alive) {
    const int handle = (int)syscall(CALL_PIDFD_OPEN, program, 0);
    struct pollfd events[] = {{.fd = alive, .events = POLLIN}, {.fd = handle, .events = POLLIN}};
    for (;;) {
        int status = 0;
        (void)poll(events, 2, handle < 0 ? 200 : -1);
        if (events[0].revents != 0) kill(program, SIGKILL);
        const pid_t ended = waitpid(program, &status, events[0].revents != 0 ? 0 : WNOHANG);
        if (ended != program) continue;
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
}

/// New namespaces: by the rights of root, or else in one of users in which only this user is.
static int leave_namespaces(struct plan *plan) {
    const int wanted = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID;
    if (syscall(SYS_unshare, wanted) == 0) {
        plan->changes_user = 1;
        return 0;
    }
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (syscall(SYS_unshare, wanted | CLONE_NEWUSER) != 0) return -1;
    (void)write_text("/proc/self/setgroups", "deny");
    (void)write_map("/proc/self", "/uid_map", NOBODY, user);
    (void)write_map("/proc/self", "/gid_map", NOBODY, group);
    return 0;
}

/// The process between this one and the program: builds the jail, starts the program in it, and waits
/// for its end.
static _Noreturn void build(const struct kura_jail *jail, int report) {
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        (void)sigaction(number, &action, NULL);
    }
    int kept[FILES_MAX + 4], trees[FILES_MAX];
    struct stat files[FILES_MAX];
    const int count = jail->file_count;
    for (int index = 0; index < count; index++) kept[index] = jail->files[index];
    kept[count] = jail->listener;
    kept[count + 1] = jail->output;
    kept[count + 2] = jail->alive;
    kept[count + 3] = report;
    close_others(kept, count + 4);
    (void)setsid();

    struct plan plan = {.user = NOBODY, .group = NOBODY};
    int is_known = 1;
    for (int index = 0; index < count; index++) {
        trees[index] = tree_of(jail->files[index], "", 0);
        is_known &= fstat(jail->files[index], &files[index]) == 0;
        if (trees[index] < 0 || (files[index].st_mode & S_IROTH)) continue;
        // Who may read it in the jail: nobody, where the file system can show it so, else its owner.
        if (give_to_nobody(trees[index], &files[index]) != 0) plan.user = files[index].st_uid;
    }
    if (leave_namespaces(&plan) == 0) {
        for (int index = 0; index < count; index++) {
            if (trees[index] < 0) trees[index] = tree_by_path(jail->files[index]);
            is_known &= trees[index] >= 0;
        }
        plan.is_rooted = is_known && build_root(trees, count) == 0;
    } else {
        plan.missing |= KURA_JAIL_NO_NAMESPACES;
        plan.changes_user = geteuid() == 0;
    }
    // Without mounts of their own, the files have the owners that they have.
    for (int index = 0; index < count && !plan.is_rooted; index++) {
        if (!(files[index].st_mode & S_IROTH)) plan.user = files[index].st_uid;
    }
    if (plan.changes_user && plan.user == 0) plan.missing |= KURA_JAIL_ROOT;
    const pid_t program = fork();
    if (program == 0) {
        sigset_t none;
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        const int reason = become(jail, &plan, jail->files, jail->listener, report);
        (void)!write(report, &plan.missing, sizeof plan.missing);
        (void)!write(report, &reason, sizeof reason);
        _exit(127);
    }
    if (program < 0) {
        const int reason = errno;
        (void)!write(report, &plan.missing, sizeof plan.missing);
        (void)!write(report, &reason, sizeof reason);
        _exit(127);
    }
    const int needed[] = {jail->alive};
    close_others(needed, 1);
    watch(program, jail->alive);
}

int kura_spawn_jailed(const struct kura_jail *jail, int *missing) {
    int report[2];
    sigset_t all, before;
    if (jail->file_count < 0 || jail->file_count > FILES_MAX) return -E2BIG;
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t process = fork();
    // Only calls that are safe beside the threads that are not here any more.
    if (process == 0) build(jail, report[1]);
    const int forked = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    int words[2] = {0, 0};
    size_t done = 0;
    while (process > 0 && done < sizeof words) {
        const ssize_t count = read(report[0], (char *)words + done, sizeof words - done);
        if (count == 0) break;
        if (count > 0) done += (size_t)count;
        if (count < 0 && errno != EINTR) break;
    }
    close(report[0]);
    if (process < 0) return -forked;
    *missing = words[0];
    if (done == sizeof words[0]) return process;
    kill(process, SIGKILL);
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
    return done == sizeof words && words[1] > 0 ? -words[1] : -EIO;
}
