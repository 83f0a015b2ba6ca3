"""Container runtimes want the control groups mounted. Where nobody has done that, as in a bare root,
they are mounted for one command alone.
"""

import os
import pathlib

WITH_CONTROL_GROUPS = """
controllers=$(awk 'NR > 1 && $2 != 0 {print $1}' /proc/cgroups)
if [ -z "$controllers" ]; then
  mount -t cgroup2 none /sys/fs/cgroup
else
  mount -t tmpfs none /sys/fs/cgroup
  for controller in $controllers; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller"
  done
fi
exec "$@"
"""


def with_control_groups():
    """What to put before a command of root's that may start containers."""
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    if " - cgroup" in mounts or not os.path.isdir("/sys/fs/cgroup"):
        return []
    return ["unshare", "--mount", "sh", "-ec", WITH_CONTROL_GROUPS, "sh"]
