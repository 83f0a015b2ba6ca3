"""What a server inside the cell cannot do. Each denial has its positive control."""

import ctypes
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import time

from harness import (LEVEL, PATIENCE, PROBE, ROOT, SLOWNESS, Case, Closed, has_capability,
                     is_filtered, level_full, need, need_of_root, not_promised, send_signal,
                     server_pid, status_of)


# What /proc/PID/status says of a process that an affected processor speculates in: the first two
# where the process may choose otherwise.
OPEN_SPECULATION = ["thread vulnerable", "conditional enabled", "vulnerable", "always enabled"]


class ClocksOfACell(Case):
    @level_full("clocks")
    def test_clocks_begin_with_the_cell_and_the_wall_clock_is_the_machines(self):
        boot, now = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
        need(self, abs(boot - 86400) > 300, "a machine that was not started a day ago, as the cell was")
        names = [f"clock:{clock}:{boot:.0f}:60" for clock in ("monotonic", "boot", "uptime")]
        for name, answer in self.outside(*names).items():
            self.assertEqual(answer["outcome"], "done", name)
        cell = self.session()
        for name in names:
            answer = cell.attempt(name)
            self.assertEqual(answer["outcome"], "refused", name)
            self.assertEqual(int(answer["detail"].split()[0]) // 3600, 24, answer)
        self.assertEqual(cell.attempt(f"clock:wall:{now:.0f}:60")["outcome"], "done")


class HardeningOfACell(Case):
    WAYS = ["write-execute:at-once", "write-execute:in-turn"]

    def ended(self, peer):
        """The status of a session that does not begin, after all that it said."""
        status = peer.wait()
        for reader in peer.readers:
            reader.join(PATIENCE)
        return status

    def test_what_was_written_is_not_executed_when_the_profile_says_so(self):
        outside = self.outside(*self.WAYS)
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        without = self.session()
        peer = self.run_cell(self.profile(hardening={"write_execute": "deny"}))
        try:
            peer.initialize()
        except (BrokenPipeError, Closed):
            # Linux before 6.3 cannot: then there is no session, and the reason is said.
            self.assertEqual(self.ended(peer), 125)
            self.assertIn(b"cannot deny memory that is written and executed", peer.stderr)
            self.assertIn(b"hint: it needs Linux 6.3", peer.stderr)
            return
        for name in self.WAYS:
            self.assertEqual(without.attempt(name)["outcome"], "done", name)
            answer = peer.attempt(name)
            self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "EACCES"), name)

    def test_speculation_is_mitigated_or_there_is_no_session(self):
        fields = ["Speculation_Store_Bypass", "SpeculationIndirectBranch"]
        before = status_of("self")
        open_here = [f for f in fields if before.get(f, "?").strip() in OPEN_SPECULATION]
        peer = self.run_cell(self.profile(hardening={"speculation": "mitigate"}))
        if open_here and not all(before[f].strip() in OPEN_SPECULATION[:2] for f in open_here):
            # The processor is affected and leaves no choice.
            self.assertEqual(self.ended(peer), 125)
            self.assertIn(b"cannot mitigate speculative execution (", peer.stderr)
            self.assertIn(b"/sys/devices/system/cpu/vulnerabilities", peer.stderr)
            return
        peer.initialize()
        after = status_of(server_pid(peer.pid))
        for field in fields:
            self.assertNotIn(after[field].strip(), OPEN_SPECULATION)
        peer.finish()
        self.assertTrue({"server.store_bypass", "executed.indirect_branch"}
                        <= {c["name"] for c in self.seal()})


class FilesOfACell(Case):
    def test_a_file_that_is_not_granted_cannot_be_read_and_a_granted_one_can(self):
        here = self.shared_directory("files")
        (here / "granted").write_text("granted text")
        (here / "beside").write_text("secret text")
        (self.home / ".secret").write_text("secret text")
        paths = [here / "beside", self.home / ".secret", here, self.home]
        outside = self.outside(*[f"read:{p}" for p in paths[:2]], "list:/root", "read:/etc/shadow")
        for path in paths[:2]:
            self.assertEqual(outside[f"read:{path}"]["detail"], "secret text")
        if ROOT:
            self.assertEqual(outside["read:/etc/shadow"]["outcome"], "done")
            self.assertEqual(outside["list:/root"]["outcome"], "done")
        cell = self.session(read=[here / "granted"])
        self.assertEqual(cell.attempt(f"read:{here}/granted")["detail"], "granted text")
        for name in [f"read:{here}/beside", f"read:{self.home}/.secret", "read:/etc/shadow",
                     "list:/root", f"list:{self.home}", "read:/etc/ssh/ssh_config",
                     "read:/etc/machine-id", "list:/home", "list:/var/log", "list:/boot"]:
            self.assertEqual(cell.attempt(name)["outcome"], "refused", name)

    def test_nothing_is_written_outside_of_what_is_granted(self):
        granted, other = self.shared_directory("granted"), self.shared_directory("other")
        control = f"/tmp/{self.name}-control"
        outside = self.outside(f"write:{other}/file", f"write:{control}")
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        os.unlink(control)
        (other / "file").unlink()
        cell = self.session(read=[other], write=[granted])
        self.assertEqual(cell.attempt(f"write:{granted}/file")["outcome"], "done")
        self.assertEqual((granted / "file").read_text(), "probe\n")
        for path in [f"{other}/file", "/new-file", "/etc/new-file", "/usr/bin/new-file", "/proc/sys/kernel/core",
                     f"{pathlib.Path(PROBE).parent}/new-file", PROBE, "/proc/sysrq-trigger"]:
            answer = cell.attempt(f"write:{path}")
            # A checkout below /tmp: what is beside the probe there is the cell's own /tmp.
            if not path.startswith("/tmp/") or path == PROBE:
                self.assertEqual(answer["outcome"], "refused", path)
            self.assertFalse(os.path.exists(path) and path != PROBE
                             and not path.startswith("/proc"), path)
        self.assertEqual(list(other.iterdir()), [])
        # Private temporary space is there, and is not the host's.
        space = self.temporary(cell)
        self.assertEqual(cell.attempt(f"write:{space}/{self.name}")["outcome"], "done")
        self.assertFalse(os.path.exists(f"/tmp/{self.name}"))

    def test_what_is_written_inside_is_neither_executable_nor_a_device_when_it_is_data(self):
        granted = self.shared_directory("granted")
        self.assertEqual(self.outside(f"run-copy:{granted}/copy")[f"run-copy:{granted}/copy"]
                         ["outcome"], "done")
        (granted / "copy").unlink()
        cell = self.session(write=[granted])
        for path in [f"{granted}/copy", f"{self.temporary(cell)}/copy"]:
            answer = cell.attempt(f"run-copy:{path}")
            self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "EACCES"), path)

    def test_no_file_of_a_grant_gets_a_set_id_bit_or_another_owner_of_rights(self):
        granted = self.shared_directory("granted")
        for kind in ["inside", "outside"]:
            (granted / f"list-{kind}").write_text("")
            (granted / f"list-{kind}").chmod(0o666)
        outside = self.outside(f"set-id:{granted}/outside", f"access-list:{granted}/list-outside",
                               f"attribute:{granted}/list-outside")
        self.assertEqual(outside[f"set-id:{granted}/outside"]["detail"], "106755")
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        cell = self.session(write=[granted])
        answer = cell.attempt(f"set-id:{granted}/inside")
        self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "EPERM"), answer)
        self.assertFalse((granted / "inside").exists())
        # The control: a file without them is made.
        self.assertEqual(cell.attempt(f"write:{granted}/inside")["outcome"], "done")
        # The server owns a file of its own making and could set its attributes otherwise.
        for name in ["access-list", "attribute"]:
            answer = cell.attempt(f"{name}:{granted}/inside")
            self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "EOPNOTSUPP"), answer)

    def test_a_read_grant_gives_no_lease_that_would_stall_the_hosts_writers(self):
        need_of_root(self, 28)
        here = self.shared_directory("files")
        # A lease needs a file of one's own: here it is the caller's, or the cell's that root made.
        (here / "file").write_text("text")
        cell = self.session(read=[here], write=[here / "file"])
        if ROOT:
            owner = int(status_of(server_pid(cell.pid))["Uid"].split()[0])
            os.chown(here / "file", owner, owner)
        self.assertEqual(self.outside(f"lease:{here}/file")[f"lease:{here}/file"]["outcome"], "done")
        answer = cell.attempt(f"lease:{here}/file")
        self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "EPERM"), answer)
        # The control: other commands of the same call are there.
        self.assertEqual(cell.attempt(f"lock:{here}/file")["outcome"], "done")

    @level_full("taking away")
    def test_a_hidden_path_below_a_granted_one_cannot_be_read(self):
        here = self.shared_directory("files")
        (here / "open").write_text("open")
        (here / ".env").write_text("TOKEN=1")
        (here / "private").mkdir()
        (here / "private/key").write_text("key")
        seen = self.session(read=[here])
        self.assertEqual(seen.attempt(f"read:{here}/.env")["detail"], "TOKEN=1")
        seen.finish()
        cell = self.session(read=[here], hide=[here / ".env", here / "private"])
        self.assertEqual(cell.attempt(f"read:{here}/open")["detail"], "open")
        answer = cell.attempt(f"read:{here}/.env")
        self.assertEqual(answer["detail"], "")
        self.assertNotIn("key", cell.attempt(f"list:{here}/private")["detail"])
        self.assertEqual(cell.attempt(f"read:{here}/private/key")["outcome"], "refused")

    def test_a_working_directory_may_be_reached_by_a_link(self):
        granted = self.shared_directory("granted")
        (granted / "file").write_text("inside")
        link = self.directory / "link"
        link.symlink_to("granted")
        for read, workdir in [(link, link), (link, granted), (granted, link)]:
            cell = self.session(read=[read], server={"command": [PROBE, "serve"],
                                                     "workdir": str(workdir)})
            self.assertEqual(cell.attempt("read:file")["detail"], "inside")
            self.assertEqual(cell.finish(), 0)

    def test_the_record_and_the_profile_are_out_of_reach(self):
        profile = self.profile()
        cell = self.run_cell(profile)
        cell.initialize()
        record = self.record_files()[0]
        outside = self.outside(f"read:{record}", f"read:{profile}")
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        for path in [record, profile]:
            self.assertEqual(cell.attempt(f"read:{path}")["outcome"], "refused")
            self.assertEqual(cell.attempt(f"write:{path}")["outcome"], "refused")

    def test_a_symlink_inside_a_granted_directory_does_not_lead_out(self):
        granted = self.shared_directory("granted")
        (self.directory / "outside").write_text("secret")
        (granted / "link").symlink_to(self.directory / "outside")
        self.assertEqual(self.outside(f"read:{granted}/link")[f"read:{granted}/link"]["detail"],
                         "secret")
        cell = self.session(read=[granted])
        self.assertEqual(cell.attempt(f"read:{granted}/link")["outcome"], "refused")


class ProcessesOfACell(Case):
    def test_no_host_process_is_seen_or_reached(self):
        bystander = subprocess.Popen(["sleep", "60"])
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        pid = bystander.pid
        outside = self.outside(f"kill:{pid}", f"read:/proc/{pid}/environ", "list:/proc")
        self.assertEqual(outside[f"kill:{pid}"]["outcome"], "done")
        self.assertEqual(outside[f"read:/proc/{pid}/environ"]["outcome"], "done")
        cell = self.session()
        self.assertEqual(cell.attempt(f"kill:{pid}")["errno"], "EPERM" if LEVEL else "ESRCH")
        self.assertEqual(cell.attempt(f"read:/proc/{pid}/environ")["outcome"], "refused")
        if LEVEL:
            self.assertEqual(cell.attempt("list:/proc")["outcome"], "refused")
            return
        seen = [int(p) for p in cell.attempt("list:/proc")["detail"].split() if p.isdigit()]
        self.assertLess(len(seen), 5)
        self.assertTrue(all(p < 20 for p in seen), seen)

    def test_init_of_the_cell_gives_nothing_away(self):
        cell = self.session()
        for name in ["read:/proc/1/mem", "read:/proc/1/environ", "list:/proc/1/root",
                     "list:/proc/1/fd", "read:/proc/1/maps", "readlink:/proc/1/exe",
                     "ptrace-attach", "process_vm_readv"]:
            self.assertNotEqual(cell.attempt(name)["outcome"], "done", name)
        if LEVEL:
            # The control is outside: to the server all of /proc is closed.
            self.assertEqual(self.outside("list:/proc/self/fd")["list:/proc/self/fd"]["outcome"],
                             "done")
            self.assertEqual(cell.attempt("list:/proc/self/fd")["outcome"], "refused")
            return
        # The same on itself works, so that it is init that is closed and not /proc.
        self.assertEqual(cell.attempt("list:/proc/self/fd")["outcome"], "done")
        self.assertEqual(cell.attempt("read:/proc/self/maps")["outcome"], "done")

    def test_three_descriptors_and_no_more(self):
        leak = os.open("/etc/passwd", os.O_RDONLY)
        self.addCleanup(os.close, leak)
        outside = self.peer([PROBE, "serve"], pass_fds=[leak])
        self.assertIn(str(leak), outside.attempt("fds")["detail"].split())
        cell = self.run_cell(pass_fds=[leak])
        cell.initialize()
        self.assertEqual(cell.attempt("fds")["detail"].split(), ["0", "1", "2"])

    def test_none_of_our_processes_keeps_what_the_caller_left_open(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        # With a keeper, too.
        cell = self.run_cell(self.profile(write=[self.shared_directory("work")]), pass_fds=[writing])
        control = self.peer([PROBE, "serve"], pass_fds=[writing])
        os.close(writing)
        cell.initialize()
        self.assertEqual(select.select([reading], [], [], 0.2), ([], [], []), "the control has it")
        control.end()
        self.assertEqual(select.select([reading], [], [], 5)[0], [reading])
        self.assertEqual(os.read(reading, 1), b"")
        self.assertEqual(cell.finish(), 0)

    def test_signals_that_the_caller_ignores_or_blocks_are_the_servers_own_again(self):
        libc = ctypes.CDLL(None)
        ignore = (ctypes.c_ulong * 4)(1)

        def deafen():
            for number in range(1, 65):
                libc.syscall(13, number, ignore, None, 8)  # rt_sigaction, past the C library
            signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        direct = self.peer([PROBE, "serve"], preexec_fn=deafen)
        seen = status_of(direct.pid)
        self.assertEqual(seen["SigIgn"].strip(), "fffffffffffbfeff")
        cell = self.run_cell(preexec_fn=deafen)
        cell.initialize()
        seen = status_of(server_pid(cell.pid))
        self.assertEqual(int(seen["SigIgn"], 16), 0)
        self.assertEqual(int(seen["SigBlk"], 16), 0)
        self.assertEqual(cell.finish(), 0)
        cell = self.run_cell(preexec_fn=deafen)
        cell.initialize()
        send_signal(cell.pid)
        self.assertEqual(cell.wait(3 * SLOWNESS), 128 + signal.SIGTERM)

    def test_the_environment_is_what_the_profile_says(self):
        cell = self.run_cell(
            self.profile(server={"command": [PROBE, "serve"], "environment": {"MODE": "quiet"}}),
            env={**self.environment, "SECRET_TOKEN": "hunter2", "LD_PRELOAD": "/nowhere.so"})
        cell.initialize()
        inside = cell.attempt("env")["detail"]
        self.assertIn("MODE=quiet\n", inside)
        self.assertNotIn("hunter2", inside)
        self.assertNotIn("LD_PRELOAD", inside)

    def test_the_kernel_says_of_the_server_what_was_promised(self):
        cell = self.session()
        seen = status_of(server_pid(cell.pid))
        inside = seen if LEVEL else dict(line.split(":\t") for line in
                      cell.attempt("read:/proc/self/status")["detail"].splitlines())
        self.assertEqual(inside["NoNewPrivs"].strip(), "1")
        self.assertEqual(inside["Seccomp"].strip(), "2")
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
            # Without a user namespace only a caller with CAP_SETPCAP can empty this one.
            kept = LEVEL and name == "CapBnd" and not has_capability(8)
            expected = int(status_of("self")["CapBnd"], 16) if kept else 0
            self.assertEqual(int(inside[name], 16), expected, name)
        for name in ["NoNewPrivs", "Seccomp", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
            self.assertEqual(seen[name].strip(), inside[name].strip(), name)
        self.assertNotIn("0", inside["Uid"].split())
        self.assertNotIn("0", inside["Gid"].split())
        if ROOT:
            self.assertNotIn("0", seen["Uid"].split())
            self.assertEqual(seen["Groups"].strip(), "")


class CallsOfACell(Case):
    """The system calls that a server has no use for."""

    REFUSED = """mount umount pivot_root fsopen fsmount open_tree move_mount mount_setattr
        unshare-user unshare-mount unshare-all setns ptrace-attach process_vm_readv
        process_vm_writev kcmp pidfd_getfd io_uring_setup io_uring_enter io_uring_register bpf
        keyctl add_key request_key userfaultfd perf_event_open open_by_handle_at
        name_to_handle_at fanotify_init chroot init_module finit_module kexec_load reboot swapon
        settimeofday clock_settime acct quotactl syslog iopl ioperm move_pages migrate_pages
        tiocsti tiocsti-high tioclinux personality-read-implies-exec clone-user clone-mount
        clone-pid clone-net clone-ipc clone-uts clone-cgroup setuid-0 setresuid-0 setgid-0
        setgroups capset raise-capabilities pair-dgram""".split()
    SOCKETS = """socket-inet socket-inet-dgram socket-inet6 socket-unix socket-unix-dgram
        socket-unix-high socket-netlink socket-packet socket-vsock socket-alg
        socket-bluetooth""".split()
    # Calls that a kernel may have been built without, or locked down.
    NOT_EVERYWHERE = {"init_module", "finit_module", "kexec_load", "iopl", "ioperm", "kcmp"}

    def test_every_dangerous_call_is_refused_inside_and_reached_outside(self):
        outside = self.outside(*self.REFUSED)
        reached = [n for n in self.REFUSED if outside[n]["outcome"] in ("reached", "done")]
        # A container's own filter refuses many of them outside as well.
        if ROOT and not is_filtered():
            missing = set(self.REFUSED) - set(reached)
            self.assertLessEqual(missing, self.NOT_EVERYWHERE)
        self.assertGreater(len(reached), 10 if is_filtered() else 30)
        cell = self.session()
        for name in self.REFUSED:
            answer = cell.attempt(name)
            self.assertEqual(answer["outcome"], "refused", answer)
            self.assertIn(answer["errno"], ("EPERM", "ENOSYS"), answer)

    def test_no_socket_can_be_made(self):
        outside = self.outside(*self.SOCKETS)
        self.assertEqual(outside["socket-inet"]["outcome"], "done")
        self.assertEqual(outside["socket-unix"]["outcome"], "done")
        self.assertEqual(outside["socket-unix-high"]["outcome"], "done")
        cell = self.session()
        for name in self.SOCKETS:
            self.assertEqual(cell.attempt(name)["errno"], "EPERM", name)
        # What asyncio needs is there; what could reach a path socket is not.
        self.assertEqual(cell.attempt("pair-stream")["outcome"], "done")
        self.assertEqual(cell.attempt("pair-dgram")["outcome"], "refused")

    def test_listening_hosts_and_path_sockets_are_out_of_reach(self):
        granted = self.shared_directory("granted")
        path = str(granted / "socket")
        with socket.create_server(("127.0.0.1", 0)) as tcp, \
                socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path)
            os.chmod(path, 0o777)
            unix.listen()
            port = tcp.getsockname()[1]
            names = [f"connect:tcp:127.0.0.1:{port}", f"connect:unix:{path}"]
            self.assertEqual({r["outcome"] for r in self.outside(*names).values()}, {"done"})
            cell = self.session(write=[granted])
            for name in names:
                self.assertEqual(cell.attempt(name)["outcome"], "refused", name)

    def test_other_doors_into_the_kernel_are_shut(self):
        outside = self.outside("int80", "x32", "clone3", "unknown-call")
        self.assertEqual(outside["int80"]["outcome"], "done")
        self.assertEqual(outside["clone3"]["errno"], "EFAULT")
        cell = self.session()
        foreign = cell.attempt("int80")
        self.assertEqual((foreign["outcome"], foreign["detail"]), ("killed", "SIGSYS"))
        # Most kernels are built without these; whether or not this one is, none gets through.
        self.assertIn(outside["x32"]["outcome"], ("done", "refused"))
        self.assertIn(outside["x32"]["errno"], (None, "ENOSYS"))
        foreign = cell.attempt("x32")
        self.assertEqual((foreign["outcome"], foreign["detail"]), ("killed", "SIGSYS"))
        # Libraries fall back when a call is not there; they break when it is forbidden.
        self.assertEqual(cell.attempt("clone3")["errno"], "ENOSYS")
        self.assertEqual(cell.attempt("unknown-call")["errno"], "ENOSYS")
        self.assertEqual(cell.attempt("clone-plain")["outcome"], "done")

    def test_a_call_that_the_profile_adds_is_there(self):
        name = "kcmp"
        if self.outside(name)[name]["outcome"] != "reached" and is_filtered():
            self.skipTest("this container's own filter refuses the call that is added")
        self.assertEqual(self.outside(name)[name]["outcome"], "reached")
        self.assertEqual(self.session().attempt(name)["outcome"], "refused")
        cell = self.session(syscalls={"baseline": 1, "add": [name]})
        self.assertEqual(cell.attempt(name)["outcome"], "reached")

    def test_a_call_that_leads_out_cannot_be_added(self):
        for name in ["name_to_handle_at", "mount", "unshare", "setuid", "io_uring_setup", "bpf"]:
            done = self.anchorhold("run", self.profile(syscalls={"baseline": 1, "add": [name]}))
            self.assertEqual(done.returncode, 125, name)
            self.assertIn(name.encode(), done.stderr)

    def test_a_call_whose_arguments_decide_cannot_be_added_without_them(self):
        # The control: what such an addition would let through works outside, or reaches the kernel.
        outside = self.outside("pair-dgram", "clone-user", "tiocsti")
        self.assertNotIn("refused", [outside["pair-dgram"]["outcome"], outside["tiocsti"]["outcome"]])
        for name in ["clone", "ioctl", "socketpair", "prctl", "personality", "fchmod", "mknodat"]:
            profile = self.profile(syscalls={"baseline": 1, "add": [name]})
            for verb in ["run", "check"]:
                done = self.anchorhold(verb, profile)
                self.assertEqual(done.returncode, 125 if verb == "run" else 1, (verb, name))
                said = (done.stdout + done.stderr).decode()
                self.assertIn(f"{name} cannot be added (its arguments decide)", said)
                self.assertIn("every server may make it already with ", said)


class LimitsOfACell(Case):
    def test_open_files_file_size_and_processes_stop_where_the_profile_says(self):
        granted = self.shared_directory("granted")
        outside = self.outside("open-files:300", f"file-size:{granted}/f:4")
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        cell = self.session(write=[granted], limits={
            "open_files": 64, "file_size": "2MiB", "processes": 100, "memory": "256MiB"})
        files = cell.attempt("open-files:300")
        self.assertEqual((files["outcome"], files["errno"]), ("refused", "EMFILE"))
        self.assertLessEqual(int(files["detail"]), 64)
        size = cell.attempt(f"file-size:{granted}/f:4")
        self.assertEqual((size["outcome"], size["errno"]), ("refused", "EFBIG"))
        self.assertEqual(int(size["detail"]), 2 << 20)
        self.assertEqual(cell.attempt("memory:512")["outcome"], "refused")
        self.assertEqual(cell.attempt("memory:64")["outcome"], "done")
        several = cell.attempt("processes:300")
        self.assertEqual((several["outcome"], several["errno"]), ("refused", "EAGAIN"))
        self.assertLess(int(several["detail"]), 101)
        self.assertEqual(cell.text("echo", {"still": "here"}), '{"still":"here"}')

    def test_what_else_the_caller_runs_does_not_count_towards_the_limit_of_processes(self):
        if not ROOT:
            not_promised(self, "counted")
        others = [subprocess.Popen(["sleep", "60"]) for _ in range(20)]
        try:
            one, two = (self.session(limits={"processes": 12}) for _ in range(2))
            for cell in (one, two):
                self.assertEqual(cell.attempt("processes:8")["outcome"], "done")
                # The control: the limit holds for the cell's own.
                self.assertEqual(cell.attempt("processes:30")["outcome"], "refused")
        finally:
            for other in others:
                other.kill()
                other.wait()

    @level_full("temporary")
    def test_temporary_space_holds_as_much_and_as_many_as_the_profile_says(self):
        here = self.shared_directory("many")
        outside = self.outside(f"inodes:{here}:600", f"file-size:{here}/f:2")
        self.assertEqual({r["outcome"] for r in outside.values()}, {"done"})
        wide = self.session()
        cell = self.session(limits={"temporary": "1MiB", "temporary_files": 500})
        for path in ["/tmp", "/home/server", "/dev/shm"]:
            for name in [f"inodes:{path}:600", f"file-size:{path}/f:2"]:
                self.assertEqual(wide.attempt(name)["outcome"], "done", name)
                answer = cell.attempt(name)
                self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "ENOSPC"), name)
            # The control: what is given back can be used again.
            self.assertEqual(cell.attempt(f"inodes:{path}:400")["outcome"], "done", path)
            self.assertEqual(cell.attempt(f"reserve:{path}:900000")["outcome"], "done", path)
        cell.finish()
        checks = {c["name"]: c["observed"] for c in self.seal()}
        self.assertEqual(checks["mount /tmp capacity"], "size=1024k nr_inodes=500")

    @level_full("temporary")
    def test_temporary_space_is_limited_when_the_profile_says_nothing(self):
        cell = self.session()
        for path in ["/tmp", "/home/server", "/dev/shm"]:
            beyond = cell.attempt(f"room-beyond:{path}:{256 << 20}:16384")
            self.assertEqual(beyond["detail"], "268435456 bytes, 16384 files")

    def test_little_memory_can_be_locked(self):
        cell = self.session()
        answer = cell.attempt("locked-memory:16")
        self.assertEqual((answer["outcome"], answer["errno"]), ("refused", "ENOMEM"))
        hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
        if hard == resource.RLIM_INFINITY or hard >= 8 << 20:
            self.assertEqual(cell.attempt("locked-memory:4")["outcome"], "done")
        if hard == resource.RLIM_INFINITY or hard >= 16 << 20:
            self.assertEqual(self.outside("locked-memory:16")["locked-memory:16"]["outcome"], "done")

    def test_the_limit_of_core_files_is_the_one_that_no_handler_is_started_with(self):
        self.assertEqual(self.outside("limit-core")["limit-core"]["outcome"], "done")
        cell = self.session()
        answer = cell.attempt("limit-core")
        self.assertEqual(answer["outcome"], "refused", answer)
        # One that the caller may not exceed stays where it is.
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        value = "0" if hard == 0 else "1"
        self.assertEqual(answer["detail"], f"{value} {value}")
        # The control: another limit can be lowered.
        self.assertEqual(cell.attempt("limit-files")["outcome"], "done")

    def test_processor_time_ends(self):
        cell = self.session(limits={"cpu_time": "1s"})
        started = time.monotonic()
        answer = cell.attempt("burn", timeout=15)
        self.assertEqual(answer["outcome"], "killed", answer)
        self.assertLess(time.monotonic() - started, 12 * SLOWNESS)
