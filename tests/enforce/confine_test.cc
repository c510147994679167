// Each case in a process of its own: what is given up does not come back.
#include "enforce/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "guard/landlock.h"

namespace edgesentry::enforce {
namespace {

constexpr int kNotConfined = 99;

// What `look` gives, as the exit code of a process that is confined before; or minus the signal.
int confined(const Confinement& wanted, const std::function<int()>& look) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(confine(wanted).ok() ? look() : kNotConfined);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int opened(const char* path) {
  return ::open(path, O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
}

int connected(int family, int protocol) {
  return ::socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol) >= 0 ? 0 : errno;
}

class Confine : public testing::Test {
 protected:
  void SetUp() override {
    if (guard::is_instrumented()) GTEST_SKIP() << "instrumented programs are left alone";
  }
};

TEST_F(Confine, closes_all_files_but_those_named) {
  if (guard::landlock_abi() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  const auto etc = [] { return opened("/etc/passwd"); };
  EXPECT_EQ(confined({}, etc), EACCES);
  EXPECT_EQ(confined({.calls = {}, .readable = {"/proc"}}, etc), EACCES);
  EXPECT_EQ(confined({.calls = {}, .readable = {"/etc"}}, etc), 0);
  EXPECT_EQ(confined({.landlock = "off", .calls = {}, .readable = {}}, etc), 0);
}

TEST_F(Confine, leaves_the_sockets_that_a_filter_needs_and_no_others) {
  const auto netfilter = [] { return connected(AF_NETLINK, NETLINK_NETFILTER); };
  EXPECT_EQ(confined({.calls = {.has_netfilter = true}, .readable = {}}, netfilter), 0);
  EXPECT_EQ(confined({}, netfilter), EPERM);
  EXPECT_EQ(confined({}, [] { return connected(AF_NETLINK, NETLINK_ROUTE); }), 0);
  const auto packets = [] { return connected(AF_PACKET, 0); };
  EXPECT_EQ(confined({.calls = {.has_netfilter = true}, .readable = {}}, packets), EPERM);
}

TEST_F(Confine, kills_what_would_start_a_program_unless_told_not_to) {
  const auto start = [] {
    char name[] = "/nonexistent";
    char* const arguments[] = {name, nullptr};
    ::execve(name, arguments, nullptr);
    return 0;
  };
  EXPECT_EQ(confined({}, start), -SIGSYS);
  EXPECT_EQ(confined({.seccomp = "off", .calls = {}, .readable = {}}, start), 0);
  EXPECT_EQ(confined({.seccomp = "log", .calls = {}, .readable = {}}, start), 0);
}

}  // namespace
}  // namespace edgesentry::enforce
