// Loaded in front of the C library (LD_PRELOAD), it lets a process die, or its disk fill, at a chosen call.
// Counted are the calls that change something below FAULT_ROOT: write, fsync, rename, unlink, mkdir, rmdir and open
// with O_CREAT.
//
//   FAULT_ROOT=DIR     below which calls are counted
//   FAULT_COUNT=FILE   the number of calls and that of the last write are put there when the process ends by itself
//   FAULT_KILL=N       SIGKILL at call N
//   FAULT_WHEN=before|half|after   whether call N is not done, half done (a write of half its bytes), or done
//   FAULT_WAIT=N       call N begins when a minute is over
//   FAULT_WAITING=FILE is made when that wait begins
//   FAULT_POWER=1      before the kill, what was written and not synchronised is lost, as when power fails
//   FAULT_FULL=N       from call N on every write writes at most half, then fails: the disk is full
//   FAULT_FREE=BYTES   what statvfs says is free
//   FAULT_MEMINFO=FILE what is read in place of /proc/meminfo
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
#include <sys/statvfs.h>
#include <pthread.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_long calls, last_write;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { dev_t device; ino_t node; int descriptor; off_t kept; } files[4096];
static int file_count;

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

static int is_below(const char *path) {
  const char *root = getenv("FAULT_ROOT");
  return root && path && strncmp(path, root, strlen(root)) == 0;
}

static int descriptor_is_below(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_below(path);
}

// Remembers how much of a file is on the disk: all of it when `synchronised`, else what was there when it was first met.
static void note(int descriptor, int synchronised) {
  if (!number("FAULT_POWER")) return;
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return;
  pthread_mutex_lock(&lock);
  int i = 0;
  while (i < file_count && (files[i].device != status.st_dev || files[i].node != status.st_ino)) i++;
  if (i == file_count && file_count < 4096) {
    files[i].device = status.st_dev;
    files[i].node = status.st_ino;
    files[i].descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 100);
    files[i].kept = status.st_size;
    file_count++;
  }
  if (i < file_count && synchronised) files[i].kept = status.st_size;
  pthread_mutex_unlock(&lock);
}

static void die(void) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < file_count; i++) {
    struct stat status;
    // A file that was replaced may be reopened for reading alone: by its number among the process' own.
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", files[i].descriptor);
    if (fstat(files[i].descriptor, &status) == 0 && status.st_size > files[i].kept && truncate(link, files[i].kept) != 0) {
    }
  }
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int when(const char *text) {
  const char *given = getenv("FAULT_WHEN");
  return strcmp(given ? given : "before", text) == 0;
}

static void wait_a_minute(void) {
  FILE *file = fopen(getenv("FAULT_WAITING"), "w");
  if (file) fclose(file);
  // Signals do not shorten it.
  for (int tenths = 0; tenths < 600; tenths++) usleep(100000);
}

// Counts a call; dies when it is the chosen one and is not to be done. Returns whether it is the chosen one.
static int count(void) {
  long own = atomic_fetch_add(&calls, 1) + 1;
  if (own == number("FAULT_WAIT")) wait_a_minute();
  if (own != number("FAULT_KILL")) return 0;
  if (when("before")) die();
  return 1;
}

static int is_full(void) {
  long from = number("FAULT_FULL");
  return from > 0 && atomic_load(&calls) >= from;
}

#define COUNTED(test, call)                 \
  int counted = (test);                     \
  int chosen = counted && count();          \
  int result = (call);                      \
  int code = errno;                         \
  if (chosen) die();                        \
  errno = code;                             \
  return result;

ssize_t write(int descriptor, const void *bytes, size_t length) {
  __typeof__(&write) next = NEXT(write);
  if (!descriptor_is_below(descriptor)) return next(descriptor, bytes, length);
  int chosen = count();
  atomic_store(&last_write, atomic_load(&calls));
  note(descriptor, 0);
  if (is_full()) {
    static atomic_int halves;
    if (length > 1 && atomic_fetch_add(&halves, 1) == 0) return next(descriptor, bytes, length / 2);
    errno = ENOSPC;
    return -1;
  }
  ssize_t result = next(descriptor, bytes, chosen && when("half") ? length / 2 : length);
  if (chosen) die();
  return result;
}

int fsync(int descriptor) {
  __typeof__(&fsync) next = NEXT(fsync);
  if (!descriptor_is_below(descriptor)) return next(descriptor);
  int chosen = count();
  int result = next(descriptor);
  note(descriptor, 1);
  if (chosen) die();
  return result;
}

int rename(const char *from, const char *to) { COUNTED(is_below(to), NEXT(rename)(from, to)) }
int unlink(const char *path) { COUNTED(is_below(path), NEXT(unlink)(path)) }
int rmdir(const char *path) { COUNTED(is_below(path), NEXT(rmdir)(path)) }
int mkdir(const char *path, mode_t mode) { COUNTED(is_below(path), NEXT(mkdir)(path, mode)) }

#define OPEN(name)                                                              \
  int name(const char *path, int flags, ...) {                                  \
    mode_t mode = 0;                                                            \
    if (flags & O_CREAT) {                                                      \
      va_list list;                                                             \
      va_start(list, flags);                                                    \
      mode = va_arg(list, mode_t);                                              \
      va_end(list);                                                             \
    }                                                                           \
    int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
    const char *meminfo = getenv("FAULT_MEMINFO");                              \
    if (meminfo && path && strcmp(path, "/proc/meminfo") == 0) path = meminfo;  \
    COUNTED((flags & O_CREAT) && is_below(path), next(path, flags, mode))       \
  }
OPEN(open)
OPEN(open64)

static int spoil(struct statvfs *status, int result) {
  if (result == 0 && getenv("FAULT_FREE")) {
    status->f_frsize = status->f_bsize = 1;
    status->f_bavail = status->f_bfree = (fsblkcnt_t)number("FAULT_FREE");
  }
  return result;
}

int statvfs(const char *path, struct statvfs *status) { return spoil(status, NEXT(statvfs)(path, status)); }
int fstatvfs(int descriptor, struct statvfs *status) { return spoil(status, NEXT(fstatvfs)(descriptor, status)); }

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("FAULT_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (file) {
    fprintf(file, "%ld %ld\n", atomic_load(&calls), atomic_load(&last_write));
    fclose(file);
  }
}
