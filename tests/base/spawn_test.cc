#include "base/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

namespace edgesentry::base {
namespace {

std::string said_by(std::span<const std::string> arguments,
                    std::span<const std::string> environment) {
  std::array<int, 2> pipe = {};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  SpawnPlan plan;
  EXPECT_EQ(plan.open(0, "/dev/null", O_RDONLY), 0);
  EXPECT_EQ(plan.pass_on(pipe[1], 1), 0);
  EXPECT_EQ(plan.close_from(3), 0);
  pid_t pid = -1;
  EXPECT_EQ(plan.spawn(pid, arguments, environment), 0);
  ::close(pipe[1]);
  std::string said;
  std::array<char, 256> part = {};
  for (ssize_t got = 0; (got = ::read(pipe[0], part.data(), part.size())) > 0;)
    said.append(part.data(), static_cast<std::size_t>(got));
  ::close(pipe[0]);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  return said;
}

TEST(SpawnPlan, gives_the_arguments_unsplit_and_no_environment_but_the_one_named) {
  const std::array<std::string, 4> arguments = {"/bin/sh", "-c", "echo \"$0|$WHO|$HOME\"",
                                                "two words; not a command"};
  const std::array<std::string, 1> environment = {"WHO=me"};
  EXPECT_EQ(said_by(arguments, environment), "two words; not a command|me|\n");
}

TEST(SpawnPlan, passes_no_other_file_on) {
  const int left_open = ::open("/dev/null", O_RDONLY);  // no O_CLOEXEC: as a library would
  ASSERT_GE(left_open, 3);
  const std::array<std::string, 3> arguments = {
      "/bin/sh", "-c",
      "for f in 0 1 2 " + std::to_string(left_open) + "; do [ -e /dev/fd/$f ] && echo $f; done"};
  const std::string said = said_by(arguments, {});
  ::close(left_open);
  EXPECT_EQ(said, "0\n1\n2\n");
}

TEST(SpawnPlan, starts_in_a_group_of_its_own_with_no_signal_blocked) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ASSERT_EQ(::sigprocmask(SIG_BLOCK, &all, &before), 0);
  const std::array<std::string, 3> arguments = {
      "/bin/sh", "-c",
      "read -r _ _ _ _ group _ < /proc/self/stat; [ $group = $$ ] && echo own; "
      "grep -c '^SigBlk:.0000000000000000' /proc/self/status"};
  const std::string said = said_by(arguments, {});
  ASSERT_EQ(::sigprocmask(SIG_SETMASK, &before, nullptr), 0);
  EXPECT_EQ(said, "own\n1\n");
}

TEST(SpawnPlan, tells_that_a_program_is_missing) {
  SpawnPlan plan;
  pid_t pid = -1;
  const std::array<std::string, 1> arguments = {"/nowhere/program"};
  EXPECT_EQ(plan.spawn(pid, arguments, {}), ENOENT);
}

}  // namespace
}  // namespace edgesentry::base
