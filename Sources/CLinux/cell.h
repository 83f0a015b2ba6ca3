// Shared by the files of the cell's child path.
#pragma once
#include "CLinux.h"

#include <sys/types.h>

// Sends a failure of `step` (error as a positive errno) to the monitor and ends the process.
_Noreturn void cl_cell_fail(const struct cl_plan *plan, enum cl_step step, int error,
                            const char *subject);

// The test build can leave one step out, to prove that the read-back notices.
#ifdef CL_SKIP_STEPS
#define CL_SKIPPED(plan, step_) ((plan)->skip == (int)(step_))
#else
#define CL_SKIPPED(plan, step_) ((void)(plan), false)
#endif

// Runs `call` unless skipped; a result of -1 is a failure of `step`.
#define CL_MUST(plan, step_, call, subject)                                       \
  do {                                                                            \
    if (!CL_SKIPPED(plan, step_) && (call) == -1)                                 \
      cl_cell_fail(plan, step_, errno, subject);                                  \
  } while (0)

void cl_cell_set_clocks(const struct cl_plan *plan);
void cl_cell_open_trees(struct cl_plan *plan);
void cl_cell_build_root(struct cl_plan *plan);
int cl_cell_prepare_landlock(const struct cl_plan *plan);
void cl_cell_drop_rights(const struct cl_plan *plan);
void cl_cell_lock_securebits(const struct cl_plan *plan);
void cl_cell_drop_capabilities(const struct cl_plan *plan);
_Noreturn void cl_cell_run_server(struct cl_plan *plan, struct cl_report *ready);
void cl_cell_harden(const struct cl_plan *plan);
void cl_cell_read_hardening(struct cl_report *report);
void cl_cell_load_filter(const struct cl_plan *plan, bool server);

// Isolation level container (cell_container.c).
void cl_container_prepare(struct cl_plan *plan, struct cl_report *ready);
void cl_container_drop_rights(const struct cl_plan *plan);
void cl_container_prepare_server(const struct cl_plan *plan, struct cl_report *ready);
int cl_container_end_descendants(const struct cl_plan *plan, pid_t server);
void cl_cell_report(const struct cl_plan *plan, const struct cl_report *report);
