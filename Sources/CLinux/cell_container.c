// Isolation level container: what init and the server's process do where new namespaces and mounts
// are refused. Landlock is the only wall around files here, and no namespace ends with init.
#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t append_number(char *out, int value) {
  // snprintf is not on the list of async-signal-safe calls.
  char digits[12];
  size_t count = 0, length = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) out[length++] = digits[--count];
  return length;
}

// Whether /proc numbers processes as we do. Mounted in another pid namespace, its numbers would be
// those of processes that are nothing to us.
static bool proc_is_ours(void) {
  char ours[16] = {0}, shown[16] = {0};
  append_number(ours, getpid());
  ssize_t length = readlink("/proc/self", shown, sizeof shown - 1);
  return length > 0 && strcmp(ours, shown) == 0;
}

// Direct children that were not waited for keep their numbers: whom this file names can be
// signalled by number. It is opened now, because Landlock closes /proc.
static int open_children(void) {
  if (!proc_is_ours()) {
    errno = ESRCH;
    return -1;
  }
  char path[64] = "/proc/self/task/";
  size_t length = strlen(path);
  length += append_number(path + length, getpid());
  strcpy(path + length, "/children");
  return open(path, O_RDONLY | O_CLOEXEC);
}

void cl_container_prepare(struct cl_plan *plan, struct cl_report *ready) {
  // Whoever below loses its parent becomes our child, and not that of a stranger further up.
  CL_MUST(plan, CL_STEP_SUBREAPER, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "init");
  int adopts = 0;
  if (prctl(PR_GET_CHILD_SUBREAPER, &adopts, 0, 0, 0) == -1)
    cl_cell_fail(plan, CL_STEP_SUBREAPER, errno, "read back");
  ready->subreaper = adopts;

  int children = -1;
  CL_MUST(plan, CL_STEP_CHILDREN, children = open_children(), "/proc/self/task/*/children");
  char list[16];
  ready->children = pread(children, list, sizeof list, 0) == -1 ? errno : 0;
  plan->container.children = children;
  plan->container.init = getpid();
}

void cl_container_drop_rights(const struct cl_plan *plan) {
  // First, because without a user namespace the right to do this goes with the ids.
  if (plan->container.sets_securebits) cl_cell_lock_securebits(plan);
  uint32_t user = plan->outside_user, group = plan->outside_group;
  uint32_t init = user;
  if (plan->privileged) {
    CL_MUST(plan, CL_STEP_CALLER_GROUPS, setgroups(0, NULL), "setgroups");
    init = plan->container.init_user;
  }
  CL_MUST(plan, CL_STEP_GROUP_ID, setresgid(group, group, group), "setresgid");
  CL_MUST(plan, CL_STEP_USER_ID, setresuid(init, user, init), "setresuid");
  cl_cell_drop_capabilities(plan);
}

static void limit_processes(const struct cl_plan *plan) {
  if (CL_SKIPPED(plan, CL_STEP_LIMIT)) return;
  for (size_t index = 0; index < plan->limit_count; index++) {
    const struct cl_limit *limit = &plan->limits[index];
    struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
    if (limit->resource == RLIMIT_NPROC && setrlimit(RLIMIT_NPROC, &value) == -1)
      cl_cell_fail(plan, CL_STEP_LIMIT, errno, "processes");
  }
}

void cl_container_prepare_server(const struct cl_plan *plan, struct cl_report *ready) {
  // A domain of its own below init's, because within one domain signals pass. First, while the ids
  // are still init's and would let them pass.
  if (plan->container.scopes_signals && !CL_SKIPPED(plan, CL_STEP_SIGNAL_SCOPE)) {
    int result = cl_landlock_scope_signals();
    if (result < 0) cl_cell_fail(plan, CL_STEP_SIGNAL_SCOPE, -result, "landlock_restrict_self");
  }
  ready->scope = kill(plan->container.init, 0) == -1 ? errno : 0;
  uint32_t user = plan->outside_user;
  // Init keeps the effective id alone; whoever has it as the real one, too, cannot signal init.
  if (plan->privileged) CL_MUST(plan, CL_STEP_USER_ID, setresuid(user, user, user), "server");
  limit_processes(plan);
  if (plan->container.late_filter) {
    cl_cell_load_filter(plan, true);
    char word;
    ssize_t count;
    do count = read(plan->container.turn, &word, 1);
    while (count == -1 && errno == EINTR);
    if (count != 1) _exit(125);
  }
  ready->reaches_init = kill(plan->container.init, 0) == -1 ? errno : 0;
}

// Not kill(-1), which would reach the monitor and other sessions of the same id. What a killed
// process leaves behind comes to us, so this goes on until there is nobody.
//
// A process that forks and ends at once, over and over, is met by one of these rounds: who has a
// deadly signal waiting makes no child any more. Returns what the server's process ended with, if it
// was still there.
int cl_container_end_descendants(const struct cl_plan *plan, pid_t server) {
  int last = 0;
  for (;;) {
    char list[4096];
    ssize_t length = pread(plan->container.children, list, sizeof list, 0);
    pid_t child = 0;
    for (ssize_t index = 0; index < length; index++) {
      if (list[index] >= '0' && list[index] <= '9') {
        child = child * 10 + (list[index] - '0');
      } else {
        if (child > 0) kill(child, SIGKILL);
        child = 0;
      }
    }
    bool reaped = false;
    pid_t ended;
    int status;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
      reaped = true;
      if (ended == server) last = status;
    }
    if (ended == -1 && errno == ECHILD) return last;
    // One that the kernel cannot end at once, in the middle of input or output.
    if (!reaped) poll(NULL, 0, 1);
  }
}
