#include "store/file_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/scratch.h"

namespace edgesentry::store {
namespace {

namespace fs = std::filesystem;

class FileLockTest : public ::testing::Test {
 protected:
  test::Scratch folder_;
  const std::string path_ = folder_.path() + "/state.db";
  const std::string name_ = path_ + ".lock";
};

TEST_F(FileLockTest, is_held_by_one_and_names_it) {
  const auto first = FileLock::take(path_, {});
  ASSERT_TRUE(first);
  EXPECT_TRUE(first.value().is_held());
  const auto second = FileLock::take(path_, {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find("process " + std::to_string(::getpid())), std::string::npos)
      << second.error().text;
  EXPECT_FALSE(fs::exists(path_)) << "the file itself is not touched";
}

TEST_F(FileLockTest, is_free_again_whatever_was_left) {
  { EXPECT_TRUE(FileLock::take(path_, {})); }
  EXPECT_TRUE(fs::exists(name_));
  EXPECT_TRUE(FileLock::take(path_, {}).value().is_held());
}

TEST_F(FileLockTest, ends_when_its_process_is_killed) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::take(path_, {});
    static_cast<void>(::write(pipe[1], "x", 1) == 1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
  const auto refused = FileLock::take(path_, {});
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find(std::to_string(child)), std::string::npos);
  EXPECT_TRUE(FileLock::take(path_, {}).value().is_held());
}

TEST_F(FileLockTest, that_was_removed_does_not_hold_up_a_new_one) {
  const auto first = FileLock::take(path_, {});
  fs::remove(name_);
  EXPECT_TRUE(FileLock::take(path_, {}).value().is_held());
}

TEST_F(FileLockTest, writes_into_no_file_of_another) {
  const std::string other = folder_.write("other", "x");
  fs::create_hard_link(other, name_);
  EXPECT_TRUE(FileLock::take(path_, {}));
  EXPECT_EQ(fs::file_size(other), 1u);
  fs::remove(name_);
  fs::create_symlink(other, name_);
  EXPECT_FALSE(FileLock::take(path_, {}).value().is_held());
  EXPECT_EQ(fs::file_size(other), 1u);
}

TEST_F(FileLockTest, is_none_where_no_file_can_be) {
  ASSERT_EQ(::mkfifo(name_.c_str(), 0640), 0);
  const auto pipe = FileLock::take(path_, {});
  ASSERT_TRUE(pipe);
  EXPECT_FALSE(pipe.value().is_held());
  const auto nowhere = FileLock::take(folder_.path() + "/no/such/state.db", {});
  ASSERT_TRUE(nowhere);
  EXPECT_FALSE(nowhere.value().is_held());
}

}  // namespace
}  // namespace edgesentry::store
