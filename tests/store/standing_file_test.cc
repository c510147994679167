#include "store/standing_file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/block_store.h"
#include "store/event_store.h"
#include "support/scratch.h"

namespace edgesentry::store {
namespace {

namespace fs = std::filesystem;

class StandingFileTest : public ::testing::Test {
 protected:
  // Neither store opens it, both say what it is, and it stays there.
  void expect_refused(const std::string& file, const std::string& kind) const {
    const Opened blocks = BlockStore::open(path_);
    EXPECT_EQ(blocks.store, nullptr);
    ASSERT_EQ(blocks.notes.size(), 1u);
    EXPECT_NE(blocks.notes[0].find(file + " is " + kind), std::string::npos) << blocks.notes[0];
    EXPECT_NE(blocks.notes[0].find("memory only"), std::string::npos) << blocks.notes[0];
    EXPECT_EQ(blocks.notes[0].find("chown"), std::string::npos) << blocks.notes[0];
    const OpenedEvents events = EventStore::open(path_);
    EXPECT_EQ(events.store, nullptr);
    ASSERT_EQ(events.notes.size(), 1u);
    EXPECT_NE(events.notes[0].find(file + " is " + kind), std::string::npos) << events.notes[0];
    EXPECT_FALSE(fs::is_regular_file(fs::symlink_status(file)));
  }

  test::Scratch folder_;
  const std::string path_ = folder_.path() + "/state.db";
};

TEST_F(StandingFileTest, is_looked_for_before_a_named_pipe_is_waited_for) {
  for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
    const std::string file = path_ + ending;
    ASSERT_EQ(::mkfifo(file.c_str(), 0640), 0);
    expect_refused(file, "a named pipe");
    fs::remove(file);
  }
}

TEST_F(StandingFileTest, is_no_folder) {
  fs::create_directory(path_);
  expect_refused(path_, "a folder");
}

TEST_F(StandingFileTest, is_no_socket) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(name.sun_path, path_.c_str(), sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ::close(fd);
  expect_refused(path_, "a socket");
}

TEST_F(StandingFileTest, is_no_symbolic_link_wherever_it_leads) {
  const std::string whole = folder_.write("whole", "another's");
  for (const std::string& target : std::vector<std::string>{whole, "/dev/zero", "nowhere", path_}) {
    fs::create_symlink(target, path_);
    expect_refused(path_, "a symbolic link");
    fs::remove(path_);
  }
  EXPECT_EQ(fs::file_size(whole), 9u);
}

TEST_F(StandingFileTest, may_be_reached_through_a_link_to_its_folder) {
  fs::create_directory(folder_.path() + "/real");
  fs::create_directory_symlink(folder_.path() + "/real", folder_.path() + "/link");
  const Opened opened = BlockStore::open(folder_.path() + "/link/state.db");
  EXPECT_NE(opened.store, nullptr);
  EXPECT_TRUE(opened.notes.empty());
}

TEST_F(StandingFileTest, with_a_second_name_is_told_with_what_to_remove) {
  const std::string other = folder_.write("other", "x");
  EXPECT_EQ(second_name(other), "");
  fs::create_hard_link(other, path_);
  EXPECT_EQ(not_a_file(path_), "");
  EXPECT_NE(second_name(path_).find("rm " + path_), std::string::npos) << second_name(path_);
  EXPECT_EQ(second_name(path_).find("chown"), std::string::npos);
}

TEST_F(StandingFileTest, is_begun_once_the_obstacle_is_gone) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0640), 0);
  EXPECT_EQ(BlockStore::open(path_).store, nullptr);
  fs::remove(path_);
  EXPECT_NE(BlockStore::open(path_).store, nullptr);
}

}  // namespace
}  // namespace edgesentry::store
