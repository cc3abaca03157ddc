/*
 * Attacks on a container's confinement that no shell can make. Each does as little as shows that it would work: it
 * prints `yes` when the kernel let it through and `no` with the error otherwise.
 *
 *   attacks NAME
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int raw_ip(void) { return socket(AF_INET, SOCK_RAW, 255); }
static int raw_frames(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static int user_namespace(void) { return unshare(CLONE_NEWUSER); }
static int mount_namespace(void) { return unshare(CLONE_NEWNS); }

/* Attaches to a process of another user. */
static int trace(void) {
  pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(1);
    pause();
    _exit(0);
  }
  usleep(200000);
  int result = (int)ptrace(PTRACE_ATTACH, child, 0, 0);
  int why = errno;
  kill(child, SIGKILL);
  waitpid(child, 0, 0);
  errno = why;
  return result;
}

/* Moves the clock by nothing. */
static int set_clock(void) {
  struct timex by = {.modes = ADJ_SETOFFSET};
  return clock_adjtime(CLOCK_REALTIME, &by);
}

/* What follows is wrong in its arguments; only who may not is told EPERM. */
static int may(long result) { return result < 0 && errno == EPERM ? -1 : 0; }
static int load_module(void) { return may(syscall(SYS_init_module, 0, 0UL, "")); }
static int restart(void) { return may(syscall(SYS_reboot, 0, 0, 0, 0)); }
static int load_bpf(void) { return may(syscall(SYS_bpf, 0, 0, 0)); }
static int swap(void) { return may(syscall(SYS_swapon, "/nowhere", 0)); }
static int join_namespace(void) { return may(syscall(SYS_setns, 0, CLONE_NEWNS)); }

/* The "shocker" of 2014: files of the host's disk by their number. */
static int by_handle(void) {
  struct {
    struct file_handle head;
    unsigned char data[8];
  } root = {{8, 1}, {2, 0, 0, 0, 0, 0, 0, 0}};
  int at = open("/", O_RDONLY);
  return may(syscall(SYS_open_by_handle_at, at, &root, O_RDONLY));
}

/* Leaves a root of its own making, by way of a folder above it, and looks for a file of the host. */
static int leave_root(const char *mark) {
  char jail[] = "/tmp/cn-jail-XXXXXX";
  if (mkdtemp(jail) == 0 || chdir("/") != 0 || chroot(jail) != 0) return -1;
  for (int i = 0; i < 64; i++)
    if (chdir("..") != 0) return -1;
  if (chroot(".") != 0) return -1;
  rmdir(jail);
  return access(mark, F_OK);
}

/* Run setuid to root by another user. */
static int become_root(void) { return geteuid() == 0 ? 0 : -1; }

static const struct {
  const char *name;
  int (*run)(void);
} attacks[] = {
    {"raw-ip", raw_ip},
    {"raw-frames", raw_frames},
    {"user-namespace", user_namespace},
    {"mount-namespace", mount_namespace},
    {"trace", trace},
    {"set-clock", set_clock},
    {"load-module", load_module},
    {"restart", restart},
    {"load-bpf", load_bpf},
    {"swap", swap},
    {"join-namespace", join_namespace},
    {"by-handle", by_handle},
    {"become-root", become_root},
};

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "leave-root") == 0) {
    puts(leave_root(words[2]) == 0 ? "yes" : "no");
    return 0;
  }
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    if (count < 2 || strcmp(words[1], attacks[i].name) != 0) continue;
    errno = 0;
    if (attacks[i].run() >= 0) puts("yes");
    else printf("no: %s\n", strerror(errno));
    return 0;
  }
  puts("unknown attack");
  return 2;
}
