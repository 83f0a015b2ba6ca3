#pragma once
#include <stdbool.h>
#include <stdint.h>

// The file access rights that a ruleset of ABI `abi` can handle (LANDLOCK_ACCESS_FS_*).
uint64_t cl_landlock_handled_files(int abi);
// A ruleset that handles everything the ABI knows: files, TCP ports (4), scopes (6). Descriptor or
// -errno. `scope_signals`: also forbid signals to processes outside the domain.
int cl_landlock_create(int abi, bool scope_signals);
// Allows `access` beneath the open file `parent` (a rule for a file takes file rights only).
int cl_landlock_allow(int ruleset, int parent, uint64_t access);
int cl_landlock_restrict(int ruleset);
// Enforces a ruleset that only keeps signals from processes outside of it (ABI 6). 0 or -errno.
int cl_landlock_scope_signals(void);
