// Trials of what the kernel and its policy allow: each one does the real thing in a child of its
// own, and what it changed is gone with the child.
#pragma once
#include <stdint.h>

// What is tried.
enum cl_trial {
  CL_TRIAL_USER_NAMESPACE,
  CL_TRIAL_ID_MAP,
  CL_TRIAL_MOUNT_NAMESPACE,
  CL_TRIAL_PID_NAMESPACE,
  CL_TRIAL_IPC_NAMESPACE,
  CL_TRIAL_UTS_NAMESPACE,
  CL_TRIAL_CGROUP_NAMESPACE,
  CL_TRIAL_NETWORK_NAMESPACE,
  CL_TRIAL_TIME_NAMESPACE,
  CL_TRIAL_MOUNT,
  CL_TRIAL_BIND,
  CL_TRIAL_PIVOT,
  CL_TRIAL_PROC,
  CL_TRIAL_LOOPBACK,
  CL_TRIAL_NO_NEW_PRIVILEGES,
  CL_TRIAL_SECCOMP,
  CL_TRIAL_LANDLOCK,
  CL_TRIAL_CAPABILITIES,
  CL_TRIAL_LIMITS,
  CL_TRIAL_RESOLVE,
  CL_TRIAL_CLOSE_RANGE,
  CL_TRIAL_PIDFD,
};

// What a trial was doing when it failed.
enum cl_trial_step {
  CL_TRIAL_STEP_NONE,
  CL_TRIAL_STEP_FORK,
  CL_TRIAL_STEP_CHANGE_USER,
  CL_TRIAL_STEP_UNSHARE,
  CL_TRIAL_STEP_DENY_GROUPS,
  CL_TRIAL_STEP_MAP_USER,
  CL_TRIAL_STEP_MAP_GROUP,
  CL_TRIAL_STEP_CHILD,
  CL_TRIAL_STEP_PROPAGATION,
  CL_TRIAL_STEP_OPEN_FILE_SYSTEM,
  CL_TRIAL_STEP_CONFIGURE,
  CL_TRIAL_STEP_CREATE_MOUNT,
  CL_TRIAL_STEP_ATTACH,
  CL_TRIAL_STEP_OPEN_TREE,
  CL_TRIAL_STEP_RESTRICT_TREE,
  CL_TRIAL_STEP_PIVOT,
  CL_TRIAL_STEP_DETACH,
  CL_TRIAL_STEP_SOCKET,
  CL_TRIAL_STEP_INTERFACE,
  CL_TRIAL_STEP_SET,
  CL_TRIAL_STEP_LOAD,
  CL_TRIAL_STEP_ENFORCE,
  CL_TRIAL_STEP_WITHOUT_EFFECT,
};

struct cl_trial_result {
  // The step that failed; CL_TRIAL_STEP_NONE if the thing works.
  int32_t step;
  // A positive errno, or 0 where the step succeeded without effect.
  int32_t error;
  // What the trial measured: the Landlock ABI; otherwise 0.
  int64_t value;
};

// Makes one trial. As root, the children first become the user `outside_user`, as the cell's do.
struct cl_trial_result cl_trial_run(enum cl_trial trial, uint32_t outside_user);
