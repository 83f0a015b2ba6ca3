// Makes system calls under a filter program and says what the kernel answered.
//
//   seccomp_probe FILTER calls           reads "[i386 ]NUMBER A0 A1 A2 A3 A4 A5" lines (hexadecimal),
//                                        answers each with "value N", "errno N" or "signal N"
//   seccomp_probe FILTER run CMD ARG…    executes a command
//
// FILTER is a file of struct sock_filter, or "none" for the control without a filter. Each call is
// made in a child of its own. A call with a bad pointer that ends in EFAULT reached the kernel;
// EPERM or ENOSYS, where the control got something else, was the filter.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter instructions[4096];

static void load(const char *path) {
  if (strcmp(path, "none") == 0) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t size = file < 0 ? -1 : read(file, instructions, sizeof instructions);
  if (size <= 0) {
    perror(path);
    exit(125);
  }
  close(file);
  struct sock_fprog program = {.len = (unsigned short)((size_t)size / sizeof *instructions),
                               .filter = instructions};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    perror("seccomp");
    exit(125);
  }
}

static long i386_call(uint64_t number) {
#ifdef __x86_64__
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(0L), "c"(0L), "d"(0L)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
#else
  (void)number;
  return -ENOSYS;
#endif
}

static long native_call(uint64_t number, const uint64_t a[6]) {
#ifdef __x86_64__
  // Not syscall(3): number and arguments must reach the kernel with all their bits.
  long result;
  register uint64_t r10 __asm__("r10") = a[3];
  register uint64_t r8 __asm__("r8") = a[4];
  register uint64_t r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#else
  long result = syscall((long)number, a[0], a[1], a[2], a[3], a[4], a[5]);
  return result == -1 ? -errno : result;
#endif
}

static int calls(void) {
  long *answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (answer == MAP_FAILED) return 125;
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    int i386 = strncmp(line, "i386 ", 5) == 0;
    uint64_t number, a[6] = {0};
    if (sscanf(line + (i386 ? 5 : 0),
               "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
               &number, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]) < 1)
      return 125;
    fflush(stdout);
    *answer = 0;
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == -1) return 125;
    if (child == 0) {
      struct rlimit none = {0, 0};
      setrlimit(RLIMIT_CORE, &none);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setsid();
      alarm(1);
      long result = i386 ? i386_call(number) : native_call(number, a);
      // A call that made a process: only the first one answers.
      if (getppid() == parent) *answer = result;
      _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) == -1) {
    }
    if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
    else if (*answer < 0 && *answer > -4096) printf("errno %ld\n", -*answer);
    else printf("value %ld\n", *answer);
  }
  fflush(stdout);
  return 0;
}

int main(int count, char **arguments) {
  if (count == 3 && strcmp(arguments[2], "calls") == 0) {
    load(arguments[1]);
    return calls();
  }
  if (count > 3 && strcmp(arguments[2], "run") == 0) {
    load(arguments[1]);
    execvp(arguments[3], arguments + 3);
    perror(arguments[3]);
    return 126;
  }
  fprintf(stderr, "usage: seccomp_probe FILTER calls | FILTER run CMD ARG...\n");
  return 2;
}
