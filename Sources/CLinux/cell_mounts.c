// The cell's file system, by the mount API of descriptors (fsopen(2), open_tree(2), move_mount(2)).
#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>


static int open_exactly(int directory, const char *path, uint64_t flags, uint64_t resolve) {
  // A link at the end is what is meant: a protected one is mounted over itself.
  struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW,
                         .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static int set_attributes(int tree, uint64_t attributes, uint64_t propagation, bool recursive) {
  struct mount_attr value = {.attr_set = attributes, .propagation = propagation};
  return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
                      &value, sizeof value);
}

// Clones the tree of each bind and restricts it, while it is still attached nowhere.
void cl_cell_open_trees(struct cl_plan *plan) {
  for (size_t index = 0; index < plan->action_count; index++) {
    struct cl_action *action = &plan->actions[index];
    if (action->kind != CL_ACTION_BIND) continue;
    int source = action->source;
    if (!plan->privileged) {
      // The monitor's descriptor belongs to the mount namespace that we have left; the name is
      // resolved once more in ours and must lead to the very same file.
      source = open_exactly(AT_FDCWD, action->text, O_PATH, 0);
      struct stat facts;
      if (source == -1 || fstat(source, &facts) == -1)
        cl_cell_fail(plan, CL_STEP_BIND, errno, action->text);
      if (facts.st_dev != action->device || facts.st_ino != action->inode)
        cl_cell_fail(plan, CL_STEP_BIND, ESTALE, action->text);
    }
    action->tree = (int)syscall(SYS_open_tree, source, "",
                                AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (action->tree == -1) cl_cell_fail(plan, CL_STEP_BIND, errno, action->text);
    // Recursive, because a remount would leave the mounts below as they are.
    CL_MUST(plan, CL_STEP_BIND_ATTRIBUTES,
            set_attributes(action->tree, action->attributes, 0, true), action->text);
    // A clone of a shared mount is its peer: what is mounted on the host would appear inside.
    CL_MUST(plan, CL_STEP_PROPAGATION, set_attributes(action->tree, 0, MS_PRIVATE, true),
            action->text);
    if (!plan->privileged) close(source);
  }
}

// Makes a file system of its own, not attached anywhere yet. `options` are key, value pairs.
static int make_mount(const char *type, const char *const *options, uint64_t attributes) {
  int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (context == -1) return -1;
  for (; options[0]; options += 2) {
    if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, options[0], options[1], 0) == -1)
      return -1;
  }
  if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1) return -1;
  int mounted = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
  close(context);
  return mounted;
}

// Attaches a detached mount where `action` says, below `root`; no link on the way is followed.
static int attach(int tree, int root, const struct cl_action *action) {
  int target = open_exactly(root, action->path, O_PATH, RESOLVE_IN_ROOT);
  if (target == -1) return -1;
  // A name of the host may have come to mean another file since the plan was made; covering that
  // one would leave the planned one open under another name.
  struct stat facts;
  int result = action->covers ? fstat(target, &facts) : 0;
  if (result == 0 && action->covers &&
      (facts.st_dev != action->covered_device || facts.st_ino != action->covered_inode)) {
    result = -1;
    errno = ESTALE;
  }
  if (result == 0)
    result = (int)syscall(SYS_move_mount, tree, "", target, "",
                          MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  int error = errno;
  close(target);
  close(tree);
  errno = error;
  return result;
}

static void number_text(char *out, size_t size, uint64_t value) {
  // snprintf is not on the list of async-signal-safe calls.
  char digits[24];
  size_t count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  size_t index = 0;
  while (count && index + 1 < size) out[index++] = digits[--count];
  out[index] = 0;
}

static void octal_text(char out[8], uint32_t mode) {
  for (int index = 0; index < 5; index++) out[index] = (char)('0' + ((mode >> (12 - 3 * index)) & 7));
  out[5] = 0;
}

static int temporary(uint64_t size, uint64_t inodes, uint32_t mode, uint64_t attributes) {
  char size_text[24], inodes_text[24], mode_text[8];
  number_text(size_text, sizeof size_text, size);
  // An inode without content takes kernel memory that the size does not count.
  number_text(inodes_text, sizeof inodes_text, inodes);
  octal_text(mode_text, mode);
  const char *options[] = {"size", size_text, "nr_inodes", inodes_text, "mode", mode_text, NULL};
  return make_mount("tmpfs", options, attributes);
}

static int write_new_file(int root, const struct cl_action *action) {
  int file = openat(root, action->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    action->mode);
  if (file == -1) return -1;
  ssize_t count = write(file, action->text, action->text_length);
  int error = errno;
  close(file);
  errno = count == -1 ? error : ENOSPC;
  return count == (ssize_t)action->text_length ? 0 : -1;
}

static void perform(const struct cl_plan *plan, int root, const struct cl_action *action) {
  switch (action->kind) {
    case CL_ACTION_DIRECTORY:
      CL_MUST(plan, CL_STEP_DIRECTORY, mkdirat(root, action->path, action->mode), action->path);
      break;
    case CL_ACTION_FILE:
      CL_MUST(plan, CL_STEP_FILE, write_new_file(root, action), action->path);
      break;
    case CL_ACTION_LINK:
      CL_MUST(plan, CL_STEP_LINK, symlinkat(action->text, root, action->path), action->path);
      break;
    case CL_ACTION_BIND:
      CL_MUST(plan, CL_STEP_BIND, attach(action->tree, root, action), action->text);
      break;
    case CL_ACTION_TEMPORARY:
      if (CL_SKIPPED(plan, CL_STEP_TEMPORARY)) break;
      int space = temporary(action->size, plan->temporary_inodes, action->mode,
                            action->attributes);
      if (space == -1 || attach(space, root, action) == -1)
        cl_cell_fail(plan, CL_STEP_TEMPORARY, errno, action->path);
      break;
    case CL_ACTION_PROC: {
      if (CL_SKIPPED(plan, CL_STEP_PROC)) break;
      const char *options[] = {"hidepid", "ptraceable", "subset", "pid", NULL};
      int proc = make_mount("proc", options, action->attributes);
      if (proc == -1 || attach(proc, root, action) == -1)
        cl_cell_fail(plan, CL_STEP_PROC, errno, "/proc");
      break;
    }
    default:
      cl_cell_fail(plan, CL_STEP_ROOT, EINVAL, action->path);
  }
}

void cl_cell_build_root(struct cl_plan *plan) {
  // Modes are meant as written in the plan.
  umask(0);
  int root = temporary(plan->root_size, plan->root_inodes, 0755,
                       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (root == -1) cl_cell_fail(plan, CL_STEP_ROOT, errno, "tmpfs");
  // On top of the old root, because that is the one place that is there on every machine. Names
  // still start at the old root until the pivot.
  if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == -1)
    cl_cell_fail(plan, CL_STEP_ROOT, errno, "/");
  for (size_t index = 0; index < plan->action_count; index++)
    perform(plan, root, &plan->actions[index]);

  if (fchdir(root) == -1) cl_cell_fail(plan, CL_STEP_PIVOT, errno, "/");
  if (!CL_SKIPPED(plan, CL_STEP_PIVOT)) {
    // Both arguments ".": the old root ends up on top of the new one, where it can be detached
    // without a directory to hold it (pivot_root(2), notes).
    if (syscall(SYS_pivot_root, ".", ".") == -1) cl_cell_fail(plan, CL_STEP_PIVOT, errno, "/");
    CL_MUST(plan, CL_STEP_DETACH, syscall(SYS_umount2, ".", MNT_DETACH), "/");
  }
  CL_MUST(plan, CL_STEP_ROOT_READ_ONLY, set_attributes(root, MOUNT_ATTR_RDONLY, 0, false), "/");
  if (chdir("/") == -1) cl_cell_fail(plan, CL_STEP_PIVOT, errno, "/");
  close(root);
}

int cl_cell_prepare_landlock(const struct cl_plan *plan) {
  int ruleset = cl_landlock_create(plan->landlock_abi, true);
  if (ruleset < 0) cl_cell_fail(plan, CL_STEP_LANDLOCK_RULES, -ruleset, "landlock_create_ruleset");
  for (size_t index = 0; index < plan->landlock_rule_count; index++) {
    const struct cl_landlock_rule *rule = &plan->landlock_rules[index];
    int path = rule->source >= 0 ? rule->source
                                 : open(rule->path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (path == -1) cl_cell_fail(plan, CL_STEP_LANDLOCK_RULES, errno, rule->path);
    int result = cl_landlock_allow(ruleset, path, rule->access);
    if (result < 0) cl_cell_fail(plan, CL_STEP_LANDLOCK_RULES, -result, rule->path);
    close(path);
  }
  return ruleset;
}
