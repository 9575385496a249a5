/// What Linux offers and Swift's importer cannot see: variadic calls, function-like macros and
/// constants behind _GNU_SOURCE.
#ifndef KURA_CLINUX_H
#define KURA_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// `lseek(fd, offset, SEEK_DATA)`: start of the next data at or after `offset`, or -1 (ENXIO: none).
off_t kura_seek_data(int descriptor, off_t offset);

/// `lseek(fd, offset, SEEK_HOLE)`: start of the next hole at or after `offset`, or -1.
off_t kura_seek_hole(int descriptor, off_t offset);

/// `renameat2(..., RENAME_NOREPLACE)`: 0, or -1 with errno EEXIST when `to` exists.
int kura_rename_exclusive(const char *from, const char *to);

/// Makes a range of a regular file a hole that reads as zeros. 0, or -1 with errno.
int kura_punch_hole(int descriptor, off_t offset, off_t length);

/// Asks for huge pages behind memory that is not yet touched. No promise.
/// - memory, length: on boundaries of huge pages, 2 MiB.
void kura_want_huge_pages(void *memory, size_t length);

/// Starts writing a range of dirty pages out, without waiting and without any promise.
void kura_start_writeback(int descriptor, off_t offset, off_t length);

/// Size in bytes of a block device. 0, or -1 with errno.
int kura_block_device_size(int descriptor, uint64_t *size);

/// `open` with a mode, which is variadic in C. Retries EINTR.
int kura_open(const char *path, int flags, mode_t mode);

/// Makes writes go around the page cache (O_DIRECT), or through it again. 0, or -1 with errno.
int kura_set_direct(int descriptor, int direct);

/// Opens an existing file for writes around the page cache. The descriptor, or -1 with errno.
int kura_open_direct(const char *path);

/// Processors that this process may run on, or -1.
int kura_processor_count(void);

/// Columns of the terminal behind a descriptor, or 0 where there is none.
int kura_terminal_columns(int descriptor);

/// Two connected sockets that no child inherits. 0, or -1 with errno.
int kura_socket_pair_cloexec(int ends[2]);

/// A descriptor that becomes readable when 8 bytes are written to it, and that no child inherits.
/// The descriptor, or -1 with errno.
int kura_event_descriptor(void);

/// What `kura_watch` tells of.
enum {
    /// The bytes of a file were changed.
    KURA_WATCH_CHANGE = 1,
    /// A file that was open for writing was closed: how a process lets go of a lock.
    KURA_WATCH_CLOSE = 2
};

/// Watches one file by inotify: the descriptor becomes readable when one of `events` happens.
/// No child inherits it. The descriptor, or -1 with errno.
int kura_watch(const char *path, int events);

/// A file in memory without a name, which no child inherits. The descriptor, or -1 with errno.
int kura_memory_file(void);

/// `O_TMPFILE`: open a directory with it for a file without a name.
int kura_o_tmpfile(void);

/// `ioctl(target, FICLONE, source)`: makes `target` share all blocks of `source`. 0, or -1 with errno.
int kura_clone_file(int target, int source);

/// Starts a program in a session of its own, with every signal as it is by default and no descriptor
/// but standard input, output and error.
/// @param arguments ends with NULL; the first one is looked for in PATH when it has no slash.
/// @return its process id, or the negative errno.
int kura_spawn_session(char *const arguments[], char *const environment[], const char *folder,
                       int input, int output);

/// A pipe that no child inherits: the end to read from, and the one to write to. 0, or -1 with errno.
int kura_pipe_cloexec(int ends[2]);

/// Starts a program with every signal as it is by default, an empty standard input and this process's
/// standard error. It stays in this process's group, so that it can ask at the terminal.
/// @param arguments ends with NULL; the first one is looked for in PATH when it has no slash.
/// @param output where its standard output goes.
/// @return its process id, or the negative errno.
int kura_spawn_writer(char *const arguments[], char *const environment[], const char *folder,
                      int output);

/// Whether another open file has a lock (F_OFD_GETLK) on the byte at an offset: 1, 0, or -1 with errno.
int kura_is_byte_locked(int descriptor, off_t offset);

/// Opens a path of which no part is a symbolic link, nor a link of /proc: `openat2`, or one part after
/// the other where the kernel has no such call. No child inherits the descriptor.
/// - directory: what a relative path starts from, or AT_FDCWD.
/// - beneath: whether the path must not lead out of `directory`.
/// The descriptor, or -1 with errno: ELOOP for a link, EXDEV for a path that leads out.
int kura_open_without_links(int directory, const char *path, int flags, mode_t mode, int beneath);

/// `renameat2`; unless `replacing`, 0 or -1 with errno EEXIST when the new name exists.
int kura_rename_at(int from_directory, const char *from, int to_directory, const char *to,
                   int replacing);

/// Lets the calling thread, and no other, reach files as another user does. 0, or -1 with errno:
/// then the thread is perhaps half way, and must not go on.
int kura_borrow_identity(uid_t user, gid_t group, const gid_t *groups, size_t count);

/// Like `kura_spawn_session`, as another user with one group. `arguments[0]` is a path.
/// The process, or a negative errno.
int kura_spawn_session_as(char *const arguments[], char *const environment[], const char *folder,
                          int input, int output, uid_t user, gid_t group);

/// `O_PATH`: open a file with it to find others from there, not to read it.
int kura_o_path(void);

/// A program that may read a few files, and nothing else.
struct kura_jail {
    /// Ends with NULL; the first one is the path of the program, below /usr.
    char *const *arguments;
    /// Open for reading. The program opens them as /proc/self/fd/4 and up, in this order.
    const int *files;
    /// At most 64.
    int file_count;
    /// A socket that listens: the program gets it as descriptor 3, with LISTEN_FDS and LISTEN_PID.
    int listener;
    /// Where its standard output and error go.
    int output;
    /// One end of a pipe, to read from. The program is killed when all other ends are closed.
    int alive;
};

enum {
    /// The program's own descriptors begin here.
    KURA_JAIL_FIRST_FILE = 4,
    /// What a jail may be without: namespaces of its own, with a network that leads nowhere.
    KURA_JAIL_NO_NAMESPACES = 1,
    /// Anything that keeps other files from it but their permissions.
    KURA_JAIL_NO_FILES = 2,
    /// Another user than root: the files are root's, and their file system shows them to no one else.
    KURA_JAIL_ROOT = 4
};

/// Starts a program in a jail: a root directory with the system's programs and libraries and the files,
/// all read-only; no network, no other processes; user nobody where this process is root; no rights and
/// no new ones; limits. Where this user may not make namespaces, Landlock keeps other files from it.
/// @param missing gets what the jail is without.
/// @return a process that ends with the program, with its exit status, or 128 and a signal's number;
///     or a negative errno.
int kura_spawn_jailed(const struct kura_jail *jail, int *missing);

#endif
