// The last steps of sealing: rights, descriptors, exec.
#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define ALL_SECUREBITS                                                                       \
  (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

void cl_cell_lock_securebits(const struct cl_plan *plan) {
  // Before the capabilities, because both this and the bounding set need CAP_SETPCAP.
  CL_MUST(plan, CL_STEP_SECUREBITS, prctl(PR_SET_SECUREBITS, ALL_SECUREBITS, 0, 0, 0),
          "securebits");
  // Up to the first number that the running kernel does not know, not up to our headers' last.
  for (int number = 0; !CL_SKIPPED(plan, CL_STEP_BOUNDING); number++) {
    if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
    if (errno == EINVAL && number > 0) break;
    cl_cell_fail(plan, CL_STEP_BOUNDING, errno, "bounding set");
  }
}

void cl_cell_drop_capabilities(const struct cl_plan *plan) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  CL_MUST(plan, CL_STEP_CAPABILITIES, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
          "ambient set");
  CL_MUST(plan, CL_STEP_CAPABILITIES, syscall(SYS_capset, &header, none), "capset");
  CL_MUST(plan, CL_STEP_NO_NEW_PRIVILEGES, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
          "no_new_privs");
}

void cl_cell_drop_rights(const struct cl_plan *plan) {
  // Groups first, because after the user id is gone they could not be changed. The
  // supplementary ones of root went before the user namespace; those of an ordinary user
  // cannot be dropped (setgroups is denied there) and are shown in the seal record.
  CL_MUST(plan, CL_STEP_GROUP_ID,
          setresgid(plan->inside_group, plan->inside_group, plan->inside_group), "setresgid");
  CL_MUST(plan, CL_STEP_USER_ID,
          setresuid(plan->inside_user, plan->inside_user, plan->inside_user), "setresuid");
  cl_cell_lock_securebits(plan);
  cl_cell_drop_capabilities(plan);
}

// Moves `descriptor` above the standard ones, so that dup3 onto 0 to 2 cannot hit it.
static int lift(const struct cl_plan *plan, int descriptor) {
  if (descriptor > 2) return descriptor;
  int lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  if (lifted == -1) cl_cell_fail(plan, CL_STEP_DESCRIPTORS, errno, "dup");
  return lifted;
}

static void arrange_descriptors(struct cl_plan *plan) {
  int *all[] = {&plan->input, &plan->output, &plan->error, &plan->report, &plan->word,
                &plan->executed};
  for (size_t index = 0; index < sizeof all / sizeof *all; index++)
    *all[index] = lift(plan, *all[index]);
  // dup2 and not dup3: these three, and only these, shall survive exec.
  if (dup2(plan->input, 0) == -1 || dup2(plan->output, 1) == -1 || dup2(plan->error, 2) == -1)
    cl_cell_fail(plan, CL_STEP_DESCRIPTORS, errno, "standard streams");
  if (CL_SKIPPED(plan, CL_STEP_DESCRIPTORS)) {
#ifdef CL_SKIP_STEPS
    // What a launcher that forgot about descriptors would leave behind: one that survives exec.
    fcntl(dup(0), F_SETFD, 0);
#endif
    return;
  }
  int keep[] = {0, 1, 2, plan->report, plan->word, plan->executed};
  for (size_t end = 6; end > 3; end--)
    for (size_t index = 3; index + 1 < end; index++)
      if (keep[index] > keep[index + 1]) {
        int swap = keep[index];
        keep[index] = keep[index + 1];
        keep[index + 1] = swap;
      }
  int result = cl_close_range_except(keep, 6);
  if (result < 0) cl_cell_fail(plan, CL_STEP_DESCRIPTORS, -result, "close_range");
}

static void reset_signals(const struct cl_plan *plan) {
  if (CL_SKIPPED(plan, CL_STEP_SIGNALS)) return;
  // Ignored signals and the mask survive exec; a server must not start deaf.
  int result = cl_reset_signals();
  if (result < 0) cl_cell_fail(plan, CL_STEP_SIGNALS, -result, "rt_sigaction");
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) == -1)
    cl_cell_fail(plan, CL_STEP_SIGNALS, errno, "sigprocmask");
}

_Noreturn void cl_cell_run_server(struct cl_plan *plan, struct cl_report *ready) {
  if (plan->container.enabled) cl_container_prepare_server(plan, ready);
  CL_MUST(plan, CL_STEP_SESSION, setsid(), "setsid");
  CL_MUST(plan, CL_STEP_WORKING_DIRECTORY, chdir(plan->working_directory),
          plan->working_directory);
  arrange_descriptors(plan);
  reset_signals(plan);
  if (!CL_SKIPPED(plan, CL_STEP_PARENT_DEATH)) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
      cl_cell_fail(plan, CL_STEP_PARENT_DEATH, errno, "server");
    if (getppid() != (plan->container.enabled ? plan->container.init : 1)) _exit(125);
  }
  ready->securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  if (prctl(PR_GET_PDEATHSIG, &ready->server_death_signal) == -1)
    cl_cell_fail(plan, CL_STEP_PARENT_DEATH, errno, "read back");
  cl_cell_read_hardening(ready);
  struct timespec monotonic, boot;
  if (clock_gettime(CLOCK_MONOTONIC, &monotonic) == -1 || clock_gettime(CLOCK_BOOTTIME, &boot) == -1)
    cl_cell_fail(plan, CL_STEP_CLOCKS, errno, "read back");
  ready->monotonic = monotonic.tv_sec * 1000000000LL + monotonic.tv_nsec;
  ready->boot = boot.tv_sec * 1000000000LL + boot.tv_nsec;
  struct utsname name;
  if (uname(&name) == -1) cl_cell_fail(plan, CL_STEP_HOST_NAME, errno, "read back");
  memcpy(ready->subject, name.nodename, sizeof name.nodename);
  // Readable for the monitor's first look; exec resets it, and there is no one else in the cell
  // but init, which cannot be told to look.
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1)
    cl_cell_fail(plan, CL_STEP_WAIT, errno, "dumpable");
  cl_cell_report(plan, ready);

  char word;
  ssize_t count;
  do count = read(plan->word, &word, 1);
  while (count == -1 && errno == EINTR);
  if (count != 1) _exit(125);

  // By path and not by descriptor, because a script's interpreter could not open a
  // close-on-exec descriptor; the root is read-only by now.
  syscall(SYS_execveat, AT_FDCWD, plan->executable, plan->arguments, plan->environment, 0);
  cl_cell_fail(plan, CL_STEP_EXECUTE, errno, plan->executable);
}
