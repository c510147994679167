// Each case gives its rights up in a child process, whose exit code is the answer.
#include "guard/calls.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

namespace edgesentry::guard {
namespace {

// What waitpid() tells of a child that did this behind the filter; its exit code is what it
// returns.
int behind_filter(const std::function<int()>& act, CallRules rules = {}) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!filter_calls(rules).ok()) ::_exit(99);
    ::_exit(act());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

bool was_killed(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

class Calls : public testing::Test {
 protected:
  void SetUp() override {
    if (is_instrumented()) GTEST_SKIP() << "needs a program without sanitizers";
  }
};

TEST_F(Calls, kill_what_would_start_a_program_or_look_into_one) {
  EXPECT_TRUE(was_killed(behind_filter([] {
    ::execl("/bin/true", "true", nullptr);
    return 1;
  })));
  EXPECT_TRUE(was_killed(behind_filter([] { return ::ptrace(PTRACE_TRACEME, 0, 0, 0) != 0; })));
  EXPECT_TRUE(
      was_killed(behind_filter([] { return ::mount("none", "/mnt", "tmpfs", 0, nullptr) != 0; })));
  EXPECT_TRUE(was_killed(behind_filter([] { return ::setuid(0) != 0; })));
  EXPECT_TRUE(was_killed(
      behind_filter([] { return static_cast<int>(::syscall(SYS_bpf, 0, nullptr, 0)); })));
}

TEST_F(Calls, kill_what_types_into_the_terminal_of_whoever_started_it) {
  for (const unsigned long above : {0UL, 1UL << 32, 1UL << 63})
    EXPECT_TRUE(was_killed(behind_filter([above] {
      return static_cast<int>(::syscall(SYS_ioctl, 0, TIOCSTI | above, "x"));
    }))) << above;
}

TEST_F(Calls, refuse_packet_sockets_processes_and_code_made_at_run_time) {
  const auto refused = [](const std::function<long()>& act) {
    const int status =
        behind_filter([&] { return act() < 0 && (errno == EPERM || errno == ENOSYS) ? 7 : 1; });
    return WIFEXITED(status) && WEXITSTATUS(status) == 7;
  };
  EXPECT_TRUE(refused([] { return ::socket(AF_PACKET, SOCK_RAW, 0); }));
  EXPECT_TRUE(refused([] { return ::socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); }));
  EXPECT_TRUE(refused([] { return ::fork(); }));
  EXPECT_TRUE(refused([] { return ::kill(::getppid(), 0); }));
  EXPECT_TRUE(refused([] {
    return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                   MAP_FAILED
               ? -1
               : 0;
  }));
}

TEST_F(Calls, let_threads_files_and_ordinary_sockets_be) {
  const int status = behind_filter([] {
    std::thread([] {}).join();
    const int tcp = ::socket(AF_INET, SOCK_STREAM, 0);
    const int routes = ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    const int file = ::memfd_create("x", 0);
    const bool may_sleep_short = ::prctl(PR_SET_TIMERSLACK, 1'000UL) == 0;
    return may_sleep_short && tcp >= 0 && routes >= 0 && file >= 0 && ::write(file, "x", 1) == 1
               ? 7
               : 1;
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST_F(Calls, let_it_have_less_room_for_its_files_and_no_other_limit) {
  const int status = behind_filter([] {
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    limit.rlim_cur = 0;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    return ::setrlimit(RLIMIT_NOFILE, &limit) < 0 && errno == EPERM ? 7 : 3;
  });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST_F(Calls, only_log_when_told_to) {
  const int status = behind_filter(
      [] {
        ::execl("/bin/true", "true", nullptr);
        return 1;
      },
      {.filter = CallFilter::log});
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace edgesentry::guard
