#!/usr/bin/env python3
"""refuse.py CALL[,CALL…] ERROR -- COMMAND…: runs a command under a filter that refuses calls.

ERROR is the name of an error, or KILL. For tests of what is said where a container's filter, or one of
a service manager, stands in the way.
"""

import ctypes
import errno
import os
import struct
import sys

NUMBERS = {"unshare": 272, "clone3": 435, "seccomp": 317, "landlock_create_ruleset": 444,
           "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
           "mount_setattr": 442, "mount": 165, "pivot_root": 155}
MOUNTS = "open_tree,move_mount,fsopen,fsconfig,fsmount,mount_setattr,mount,pivot_root"

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR, KILL = 0x7FFF0000, 0x00050000, 0x80000000


def refuse(calls, error):
    """Loads the filter on this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    answer = KILL if error == "KILL" else ERROR | getattr(errno, error)
    numbers = [NUMBERS[call] for call in calls]
    program = [(LOAD, 0, 0, 0)]
    for index, number in enumerate(numbers):
        program.append((EQUAL, len(numbers) - index, 0, number))
    program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, answer)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    descriptor = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
            PR_SET_SECCOMP, MODE_FILTER, descriptor, 0, 0):
        sys.exit(f"refuse.py: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    separator = sys.argv.index("--")
    refuse(sys.argv[1].split(","), sys.argv[2])
    os.execv(sys.argv[separator + 1], sys.argv[separator + 1:])
