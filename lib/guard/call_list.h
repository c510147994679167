// The system calls that lib/guard/calls.cc allows, and those that kill. Names; calls whose
// arguments decide stand there. tests/guard/measure_calls.py compares the list with what strace
// shows.
#pragma once

#include <array>

namespace edgesentry::guard {

// What glibc 2.36, DPDK 22.11, SQLite, TBB, civetweb, libmicrohttpd and GnuTLS were seen to call
// (tests/guard/measure_calls.py), what they call on other machines (NUMA, huge pages, timers of
// drivers, a crash), and the siblings that another version may take instead.
inline constexpr auto kAllowed = std::to_array<const char*>(
    {// files
     "read", "write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "preadv2",
     "pwritev2", "lseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "flock", "stat",
     "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
     "faccessat2", "open", "openat", "readlink", "readlinkat", "getdents64", "getcwd", "rename",
     "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
     "truncate", "ftruncate", "fallocate", "fsync", "fdatasync", "sync_file_range", "fadvise64",
     "fchmod", "chmod", "fchmodat", "fchown", "umask", "utimensat", "sendfile", "memfd_create",
     // memory
     "munmap", "mremap", "madvise", "mlock", "mlock2", "munlock", "mincore", "msync", "brk",
     "membarrier", "get_mempolicy", "set_mempolicy", "mbind", "move_pages",
     // threads, time, signals
     "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address",
     "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
     "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "getcpu",
     "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time",
     "times", "getrandom", "exit", "exit_group", "wait4", "waitid", "restart_syscall",
     "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending",
     "rt_sigsuspend", "sigaltstack",
     // who and where
     "getpid", "gettid", "getppid", "getpgrp", "getpgid", "getuid", "geteuid", "getgid", "getegid",
     "getresuid", "getresgid", "getgroups", "capget", "getrusage", "getrlimit", "sysinfo", "uname",
     // waiting and talking
     "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
     "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe", "pipe2", "timerfd_create",
     "timerfd_settime", "timerfd_gettime", "bind", "connect", "listen", "accept", "accept4",
     "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown", "sendto", "recvfrom",
     "sendmsg", "recvmsg", "sendmmsg", "recvmmsg"});

inline constexpr auto kDeadly = std::to_array<const char*>({"execve",
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
                                                            "setdomainname"});

}  // namespace edgesentry::guard
