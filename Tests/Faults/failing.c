/* Preloaded library: makes the n-th call that changes files below a directory fail.
 *
 *   FAILING_BELOW    only calls on files whose path begins with this
 *   FAILING_COUNTER  file of `struct counter`, shared by processes that run one after another
 *   FAILING_AT       number of the call, from 1
 *   FAILING_MODE     eio | enospc | short (a write does half; other calls are left alone) | late (done, then EIO)
 *   FAILING_ALL      1: that call and all after it
 *
 * Calls on descriptors are assigned to files by /proc/self/fd; `msync` has none and always counts. Calls that make
 * files and directories (mkdir, open with O_CREAT) count too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct counter {
  uint64_t calls;  /* so far */
  uint64_t failed; /* of them */
  char what[496];  /* the first that failed: name of the call and path */
};

enum mode { NONE, IO, NO_SPACE, SHORT, LATE };

static struct counter *counter;
static const char *below;
static uint64_t at;
static int all;
static enum mode mode;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAILING_COUNTER");
  const char *number = getenv("FAILING_AT");
  const char *name = getenv("FAILING_MODE");
  below = getenv("FAILING_BELOW");
  if (!path || !number || !name || !below) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *map = mmap(NULL, sizeof(struct counter), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (map == MAP_FAILED) return;
  at = strtoull(number, NULL, 10);
  all = getenv("FAILING_ALL") != NULL;
  mode = !strcmp(name, "eio") ? IO : !strcmp(name, "enospc") ? NO_SPACE : !strcmp(name, "short") ? SHORT : LATE;
  counter = map;
}

/* What the call has to do; counts it. `is_write`: it can be short. */
static enum mode next(const char *call, const char *path, int is_write) {
  uint64_t number = __atomic_add_fetch(&counter->calls, 1, __ATOMIC_SEQ_CST);
  if (number < at || (number > at && !all) || (mode == SHORT && !is_write)) return NONE;
  if (__atomic_fetch_add(&counter->failed, 1, __ATOMIC_SEQ_CST) == 0)
    snprintf(counter->what, sizeof counter->what, "%s %s", call, path);
  return mode;
}

static enum mode next_path(const char *call, const char *path) {
  if (!counter || strncmp(path, below, strlen(below))) return NONE;
  return next(call, path, 0);
}

static enum mode next_file(const char *call, int file, int is_write) {
  if (!counter) return NONE;
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return NONE;
  path[length] = 0;
  if (strncmp(path, below, strlen(below))) return NONE;
  return next(call, path, is_write);
}

static int code(enum mode mode) { return mode == NO_SPACE ? ENOSPC : EIO; }

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* A failure that is not the call's own: with LATE the call is made all the same. */
#define FAIL(todo, ...)                                  \
  do {                                                   \
    if ((todo) == LATE && real(__VA_ARGS__) < 0) return -1; \
    errno = code(todo);                                  \
    return -1;                                           \
  } while (0)

/* A call that succeeds or fails as a whole. */
#define WHOLE(todo, ...)                \
  enum mode todo_ = (todo);             \
  if (todo_ == NONE) return real(__VA_ARGS__); \
  FAIL(todo_, __VA_ARGS__)

/* A write of `length` bytes; `half` stands for them in the arguments, and is at least one. */
#define WRITE(call, file, length, ...)                          \
  size_t half = (length);                                       \
  enum mode todo_ = next_file(call, file, 1);                   \
  if (todo_ == SHORT && half > 1) half /= 2;                    \
  if (todo_ == NONE || todo_ == SHORT) return real(__VA_ARGS__); \
  FAIL(todo_, __VA_ARGS__)

ssize_t write(int file, const void *bytes, size_t length) {
  REAL(write);
  WRITE("write", file, length, file, bytes, half);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
  REAL(pwrite);
  WRITE("pwrite", file, length, file, bytes, half, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
  REAL(pwrite64);
  WRITE("pwrite64", file, length, file, bytes, half, offset);
}

static size_t total(const struct iovec *parts, int count) {
  size_t length = 0;
  for (int index = 0; index < count; index++) length += parts[index].iov_len;
  return length;
}

/* The first `length` bytes of some parts. */
static int cut(const struct iovec *parts, int count, size_t length, struct iovec *result) {
  int used = 0;
  for (; used < count && length > 0; used++) {
    result[used] = parts[used];
    if (result[used].iov_len > length) result[used].iov_len = length;
    length -= result[used].iov_len;
  }
  return used;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  REAL(writev);
  struct iovec some[1024];
  if (count < 0 || count > 1024) return real(file, parts, count);
  WRITE("writev", file, total(parts, count), file, some, cut(parts, count, half, some));
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
  REAL(pwritev);
  struct iovec some[1024];
  if (count < 0 || count > 1024) return real(file, parts, count, offset);
  WRITE("pwritev", file, total(parts, count), file, some, cut(parts, count, half, some), offset);
}

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t length, unsigned flags) {
  REAL(copy_file_range);
  WRITE("copy_file_range", to, length, from, from_offset, to, to_offset, half, flags);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t length) {
  REAL(sendfile);
  WRITE("sendfile", to, length, to, from, offset, half);
}

int fsync(int file) {
  REAL(fsync);
  WHOLE(next_file("fsync", file, 0), file);
}

int fdatasync(int file) {
  REAL(fdatasync);
  WHOLE(next_file("fdatasync", file, 0), file);
}

int msync(void *start, size_t length, int flags) {
  REAL(msync);
  WHOLE(counter ? next("msync", "", 0) : NONE, start, length, flags);
}

int ftruncate(int file, off_t length) {
  REAL(ftruncate);
  WHOLE(next_file("ftruncate", file, 0), file, length);
}

int ftruncate64(int file, off64_t length) {
  REAL(ftruncate64);
  WHOLE(next_file("ftruncate64", file, 0), file, length);
}

int posix_fallocate(int file, off_t offset, off_t length) {
  REAL(posix_fallocate);
  enum mode todo = next_file("posix_fallocate", file, 0);
  if (todo == LATE) real(file, offset, length);
  return todo == NONE ? real(file, offset, length) : code(todo);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  WHOLE(next_path("rename", to), from, to);
}

int renameat2(int from_place, const char *from, int to_place, const char *to, unsigned flags) {
  REAL(renameat2);
  WHOLE(next_path("renameat2", to), from_place, from, to_place, to, flags);
}

int link(const char *from, const char *to) {
  REAL(link);
  WHOLE(next_path("link", to), from, to);
}

int mkdir(const char *path, mode_t bits) {
  REAL(mkdir);
  WHOLE(next_path("mkdir", path), path, bits);
}

/* Only where it may make a file; never late, since the descriptor would be lost. */
int open(const char *path, int flags, ...) {
  REAL(open);
  mode_t bits = 0;
  if (!(flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE) return real(path, flags);
  va_list rest;
  va_start(rest, flags);
  bits = va_arg(rest, mode_t);
  va_end(rest);
  enum mode todo = mode == LATE ? NONE : next_path("open", path);
  if (todo == NONE) return real(path, flags, bits);
  errno = code(todo);
  return -1;
}
