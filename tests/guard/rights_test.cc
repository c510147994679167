#include "guard/rights.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include "guard/calls.h"
#include "guard/landlock.h"
#include "guard/places.h"
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

TEST(Places, out_of_reach_are_told_with_user_file_and_remedy) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to ask as somebody else";
  const test::Scratch scratch;  // mode 0700, root's
  const std::string file = scratch.write("edgesentry.toml", "");
  const std::vector<Needed> needed = {{"the configuration", file, Use::read}};
  const auto faults = out_of_reach(nobody(), needed);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].find("after the drop to user nobody, " + file), std::string::npos)
      << faults[0];
  EXPECT_NE(faults[0].find("chmod g+x " + scratch.path()), std::string::npos) << faults[0];
  EXPECT_EQ(::geteuid(), 0u);
}

TEST(Places, made_for_us_are_handed_over_and_others_are_not) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
  const test::Scratch scratch;
  std::filesystem::permissions(scratch.path(), std::filesystem::perms(0755));
  const std::string ours = scratch.path() + "/edgesentry", victim = scratch.write("victim", "x");
  std::filesystem::create_directory(ours);
  std::filesystem::create_symlink(victim, ours + "/link");
  std::filesystem::create_hard_link(victim, ours + "/second-name");
  std::ofstream(ours + "/state.db") << "x";
  hand_over(nobody(), std::vector<Needed>{{"state.file", ours + "/state.db", Use::write}});
  const auto owner = [](const std::string& path) {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_uid;
  };
  EXPECT_EQ(owner(ours), kNobody);
  EXPECT_EQ(owner(ours + "/state.db"), kNobody);
  EXPECT_EQ(owner(victim), 0u);
  EXPECT_EQ(owner(scratch.path()), 0u);
}

}  // namespace
}  // namespace edgesentry::guard
