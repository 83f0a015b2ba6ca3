// Protections that a profile asks for (prctl(2)). They are inherited by whatever the cell's init
// starts, also across exec, and cannot be taken back.
#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>

// Newer than the kernel headers that we build with; the numbers are kernel ABI.
#define SET_MDWE 65
#define MDWE_REFUSE_EXEC_GAIN 1

#define SPECULATION_NOT_AFFECTED 0
#define SPECULATION_CONTROL (1 << 0)
#define SPECULATION_DISABLED ((1 << 2) | (1 << 3))
#define SPECULATION_FORCE_DISABLE (1 << 3)

static void mitigate(const struct cl_plan *plan, int which, const char *name) {
  int state = prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);
  if (state == -1) cl_cell_fail(plan, CL_STEP_SPECULATION, errno, name);
  if (state == SPECULATION_NOT_AFFECTED) return;
  // Decided for the whole machine: for good, or against us.
  if (!(state & SPECULATION_CONTROL)) {
    if (state & SPECULATION_DISABLED) return;
    cl_cell_fail(plan, CL_STEP_SPECULATION, ENXIO, name);
  }
  if (prctl(PR_SET_SPECULATION_CTRL, which, SPECULATION_FORCE_DISABLE, 0, 0) == -1)
    cl_cell_fail(plan, CL_STEP_SPECULATION, errno, name);
}

void cl_cell_harden(const struct cl_plan *plan) {
  if (plan->deny_write_execute)
    CL_MUST(plan, CL_STEP_WRITE_EXECUTE, prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0),
            "PR_SET_MDWE");
  if (plan->mitigate_speculation && !CL_SKIPPED(plan, CL_STEP_SPECULATION)) {
    mitigate(plan, PR_SPEC_STORE_BYPASS, "store bypass");
    mitigate(plan, PR_SPEC_INDIRECT_BRANCH, "indirect branches");
  }
}

// What came of it, for the read-back: /proc does not show the first.
void cl_cell_read_hardening(struct cl_report *report) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  report->write_execute = page == MAP_FAILED ? errno : 0;
  if (page != MAP_FAILED) munmap(page, 4096);
  report->store_bypass = prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0);
  report->indirect_branch = prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, 0, 0, 0);
}
