#include "guard/calls.h"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

namespace edgesentry::guard {
namespace {

// glibc 2.36, DPDK 22.11, SQLite, TBB, civetweb, libmicrohttpd and GnuTLS, as strace shows them,
// and the siblings that another version of the same library may take instead.
constexpr auto kAllowed = std::to_array<const char*>({
    // files
    "read",
    "write",
    "pread64",
    "pwrite64",
    "readv",
    "writev",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "flock",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "statx",
    "statfs",
    "fstatfs",
    "access",
    "faccessat",
    "faccessat2",
    "open",
    "openat",
    "readlink",
    "readlinkat",
    "getdents64",
    "getcwd",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "truncate",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "fadvise64",
    "fchmod",
    "chmod",
    "fchmodat",
    "fchown",
    "umask",
    "utimensat",
    "sendfile",
    "memfd_create",
    // memory
    "munmap",
    "mremap",
    "madvise",
    "mlock",
    "mlock2",
    "munlock",
    "mincore",
    "msync",
    "brk",
    "membarrier",
    "get_mempolicy",
    "set_mempolicy",
    "mbind",
    "move_pages",
    // threads, time, signals
    "futex",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "sched_yield",
    "sched_getaffinity",
    "sched_setaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getcpu",
    "nanosleep",
    "clock_nanosleep",
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "times",
    "getrandom",
    "exit",
    "exit_group",
    "wait4",
    "waitid",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "rt_sigpending",
    "rt_sigsuspend",
    "sigaltstack",
    // who and where
    "getpid",
    "gettid",
    "getppid",
    "getpgrp",
    "getpgid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "capget",
    "getrusage",
    "getrlimit",
    "sysinfo",
    "uname",
    // waiting and talking
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd2",
    "pipe",
    "pipe2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "bind",
    "connect",
    "listen",
    "accept",
    "accept4",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "shutdown",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "sendmmsg",
    "recvmmsg",
});

constexpr auto kDeadly = std::to_array<const char*>({
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fspick",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "swapoff",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "open_by_handle_at",
    "name_to_handle_at",
    "iopl",
    "ioperm",
    "modify_ldt",
    "personality",
    "acct",
    "quotactl",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setfsuid",
    "setfsgid",
    "setgroups",
    "capset",
    "mknod",
    "mknodat",
    "syslog",
    "sethostname",
    "setdomainname",
});

constexpr std::uint64_t kNewSpaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t kNameRange = 0x53564d41;  // PR_SET_VMA, newer than Debian 12's header

class Filter {
 public:
  explicit Filter(const CallRules& rules)
      : refuses_(rules.filter == CallFilter::refuse),
        context_(::seccomp_init(refuses_ ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG),
                 ::seccomp_release) {
    set(SCMP_FLTATR_CTL_TSYNC, 1);
    set(SCMP_FLTATR_CTL_LOG, 1);
    for (const char* name : kAllowed) add(SCMP_ACT_ALLOW, name, {});
    for (const char* name : kDeadly) add(deadly(), name, {});
    add(rules.has_bpf ? SCMP_ACT_ALLOW : deadly(), "bpf", {});
    add_processes();
    add_memory();
    add_sockets();
  }

  base::Status load() {
    if (fault_ == 0) fault_ = context_ ? ::seccomp_load(context_.get()) : -ENOMEM;
    if (fault_ == 0) return {};
    return base::Error{fmt::format(
        "seccomp: the filter of system calls cannot be set{}{}: {}; set privilege.seccomp = "
        "\"off\"",
        at_.empty() ? "" : " at ", at_, std::strerror(-fault_))};
  }

 private:
  using Arguments = std::initializer_list<scmp_arg_cmp>;

  [[nodiscard]] std::uint32_t deadly() const {
    return refuses_ ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG;
  }

  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (fault_ == 0 && context_) fault_ = ::seccomp_attr_set(context_.get(), attribute, value);
  }

  // A call that this architecture or version of libseccomp does not know cannot be made, either.
  void add(std::uint32_t action, const char* name, Arguments arguments) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (fault_ != 0 || !context_ || number == __NR_SCMP_ERROR) return;
    if (action == (refuses_ ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG)) return;  // the default
    const int code = ::seccomp_rule_add_array(
        context_.get(), action, number, static_cast<unsigned>(arguments.size()), arguments.begin());
    if (code == 0) return;
    fault_ = code;
    at_ = name;
  }

  void add_processes() {
    add(SCMP_ACT_ALLOW, "clone",
        {SCMP_A0(SCMP_CMP_MASKED_EQ, kNewSpaces | CLONE_THREAD, CLONE_THREAD)});
    // Its flags lie in memory, where no filter can see them; glibc then takes clone().
    add(SCMP_ACT_ERRNO(ENOSYS), "clone3", {});
    add(SCMP_ACT_ALLOW, "tgkill", {SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()))});
    for (const std::uint64_t name :
         {std::uint64_t{PR_SET_NAME}, std::uint64_t{PR_GET_NAME}, std::uint64_t{PR_GET_SECCOMP},
          std::uint64_t{PR_GET_NO_NEW_PRIVS}, kNameRange, std::uint64_t{PR_GET_DUMPABLE}})
      add(SCMP_ACT_ALLOW, "prctl", {SCMP_A0(SCMP_CMP_EQ, name)});
    add(SCMP_ACT_ALLOW, "prlimit64", {SCMP_A2(SCMP_CMP_EQ, 0)});  // asks, does not set
    // Input pushed into a terminal would be read by the shell of whoever started this.
    add(SCMP_ACT_ALLOW, "ioctl", {SCMP_A1(SCMP_CMP_NE, TIOCSTI)});
  }

  void add_memory() {
    for (const char* name : {"mmap", "mprotect", "pkey_mprotect"})
      add(SCMP_ACT_ALLOW, name, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
  }

  void add_sockets() {
    for (const int family : {AF_UNIX, AF_INET, AF_INET6})
      add(SCMP_ACT_ALLOW, "socket", {SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))});
    add(SCMP_ACT_ALLOW, "socket",
        {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE)});
    add(SCMP_ACT_ALLOW, "socketpair", {SCMP_A0(SCMP_CMP_EQ, AF_UNIX)});
  }

  bool refuses_;
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int fault_ = 0;
  std::string_view at_;
};

}  // namespace

base::Status filter_calls(const CallRules& rules) {
  return Filter(rules).load();
}

}  // namespace edgesentry::guard
