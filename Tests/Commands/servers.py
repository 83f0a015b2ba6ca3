"""What tests need of PyPI, each in a virtual environment under .build/venvs, kept between runs:
real servers, a node (the one in the wheel of playwright), the JSON Schema test suite, which is in
the sources of jsonschema, and the interaction tests of the SDK, which are in those of mcp.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
PLACE = TOP / ".build/venvs"
ENVIRONMENTS = {
    "client": ["mcp>=2"],
    "time": ["mcp-server-time"],
    "git": ["mcp-server-git"],
    # A version of before its holes were closed, with the library of that time.
    "git-2025.7.1": ["mcp-server-git==2025.7.1", "GitPython==3.1.45", "mcp<2"],
    "sqlite": ["mcp-server-sqlite==2025.4.25", "mcp<2"],
    "fetch": ["mcp-server-fetch"],
    "node": ["playwright==1.65.2"],
    # A server of the Go SDK in a wheel.
    "go": ["jmrplens-gitlab-mcp-server==3.3.0"],
    "jsonschema": ["jsonschema==4.26.0"],
    "interaction": ["mcp==2.3.0", "pytest>=8.4", "trio", "inline-snapshot", "dirty-equals", "logfire",
                    "opentelemetry-sdk", "blockbuster"],
}
# What is wanted as its authors publish it, too: unpacked beside the environment's own folders.
SOURCES = {"jsonschema": "jsonschema==4.26.0", "interaction": "mcp==2.3.0"}


def ready(name):
    return (PLACE / name / "ready").exists()


def make(name):
    """Makes one environment; gives the reason when that cannot be."""
    if ready(name):
        return None
    place = PLACE / name
    PLACE.mkdir(parents=True, exist_ok=True)
    base = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    # Nobody else's environment may lead pip elsewhere than its own configuration does.
    commands = [[base, "-m", "venv", "--clear", str(place)],
                [str(place / "bin/pip"), "install", "--quiet", *ENVIRONMENTS[name]]]
    if name in SOURCES:
        commands.append([str(place / "bin/pip"), "download", "--quiet", "--no-deps", "--no-binary",
                         SOURCES[name].split("==")[0], "--dest", str(place / "sources"),
                         SOURCES[name]])
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, timeout=300, text=True)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{name}: {error}"
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            return f"{name}: {' '.join(last)}"
    for archive in (place / "sources").glob("*.tar.gz"):
        subprocess.run(["tar", "-xzf", archive, "-C", place / "sources"], check=True, timeout=60)
    (place / "ready").write_text("")
    return None


def main(names):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        reasons = [reason for reason in pool.map(make, names or ENVIRONMENTS) if reason]
    for reason in reasons:
        print(f"cannot install the real servers: {reason}", flush=True)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
