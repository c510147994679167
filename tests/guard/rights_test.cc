#include "guard/rights.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include "guard/calls.h"
#include "guard/landlock.h"
#include "support/scratch.h"

namespace edgesentry::guard {
namespace {

constexpr uid_t kNobody = 65534;
Account nobody() {
  return {.user = kNobody, .group = kNobody, .groups = {}, .name = "nobody"};
}

int in_a_child(const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(act());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Rights, are_gone_on_threads_that_were_there_before) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  if (is_instrumented()) GTEST_SKIP() << "needs a program without sanitizers";
  EXPECT_EQ(in_a_child([] {
              std::atomic<bool> given{false}, is_nobody{false};
              std::thread other([&] {
                while (!given.load()) std::this_thread::yield();
                Capabilities only;
                only.add(CAP_NET_ADMIN);
                is_nobody = ::geteuid() == kNobody && ::getegid() == kNobody &&
                            effective_capabilities() == only;
              });
              Capabilities keep;
              keep.add(CAP_NET_ADMIN);
              const bool ok = give_up_everywhere({.become = nobody(), .keep = keep}).ok();
              given = true;
              other.join();
              return ok && is_nobody && ::setuid(0) != 0 ? 7 : 1;
            }),
            7);
}

TEST(Rights, close_files_outside_of_the_open_places_on_every_thread) {
  if (landlock_abi() == 0) GTEST_SKIP() << "needs a kernel with Landlock";
  if (is_instrumented()) GTEST_SKIP() << "needs a program without sanitizers";
  const test::Scratch open, closed;
  const std::string mine = open.write("mine", "x"), other = closed.write("other", "x");
  EXPECT_EQ(in_a_child([&] {
              std::atomic<bool> given{false};
              int seen = 0;
              std::thread reader([&] {
                while (!given.load()) std::this_thread::yield();
                seen += ::open(mine.c_str(), O_RDONLY) >= 0 ? 1 : 0;
                seen += ::open(other.c_str(), O_RDONLY) < 0 && errno == EACCES ? 2 : 0;
                seen +=
                    ::open((open.path() + "/new").c_str(), O_CREAT | O_WRONLY, 0600) < 0 ? 4 : 0;
              });
              const auto landlock = Landlock::make({.readable = {open.path(), "/proc"}});
              if (!landlock || !give_up_everywhere({.landlock = landlock.value().fd()}).ok())
                return 99;
              given = true;
              reader.join();
              return seen;
            }),
            7);
}

}  // namespace
}  // namespace edgesentry::guard
