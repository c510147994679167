#include "serve/socket_file.h"

#include <grp.h>
#include <sys/stat.h>

#include <fstream>

#include "client.h"

namespace edgesentry::serve {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat facts {};
  return lstat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
}

TEST(SocketFile, belongs_to_its_owner_alone_unless_a_group_is_named) {
  const SocketDirectory directory;
  const mode_t before = umask(0);
  const auto file = SocketFile::listen(directory / "run/edgesentry/s", "");
  umask(before);
  ASSERT_TRUE(file.ok()) << file.error().text;
  EXPECT_EQ(mode_of(directory / "run/edgesentry/s"), 0600u);
}

TEST(SocketFile, is_open_to_the_group_that_is_named) {
  const SocketDirectory directory;
  const group* own = getgrgid(getgid());
  ASSERT_NE(own, nullptr);
  const auto file = SocketFile::listen(directory / "s", own->gr_name);
  ASSERT_TRUE(file.ok()) << file.error().text;
  EXPECT_EQ(mode_of(directory / "s"), 0660u);
}

TEST(SocketFile, names_the_group_that_does_not_exist_and_leaves_nothing_behind) {
  const SocketDirectory directory;
  const auto file = SocketFile::listen(directory / "s", "no-such-group-here");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().text.find("no-such-group-here"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(directory / "s"));
}

TEST(SocketFile, refuses_to_take_over_from_a_live_server) {
  const SocketDirectory directory;
  const auto first = SocketFile::listen(directory / "s", "");
  ASSERT_TRUE(first.ok());
  const auto second = SocketFile::listen(directory / "s", "");
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().text.find("another instance"), std::string::npos);
  EXPECT_TRUE(Client(directory / "s").is_connected());
}

TEST(SocketFile, removes_what_a_dead_server_left) {
  const SocketDirectory directory;
  {
    const auto first = SocketFile::listen(directory / "s", "");
    ASSERT_TRUE(first.ok());
    std::filesystem::create_hard_link(directory / "s", directory / "left");
  }
  ASSERT_FALSE(Client(directory / "left").is_connected());
  const auto second = SocketFile::listen(directory / "left", "");
  ASSERT_TRUE(second.ok()) << second.error().text;
  EXPECT_TRUE(Client(directory / "left").is_connected());
}

TEST(SocketFile, never_removes_what_is_not_a_socket) {
  const SocketDirectory directory;
  std::ofstream(directory / "s") << "precious";
  ASSERT_FALSE(SocketFile::listen(directory / "s", "").ok());
  EXPECT_EQ(std::filesystem::file_size(directory / "s"), 8u);
  std::filesystem::create_symlink(directory / "s", directory / "link");
  ASSERT_FALSE(SocketFile::listen(directory / "link", "").ok());
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link"));
}

TEST(SocketFile, removes_itself_at_the_end_but_never_a_successor) {
  const SocketDirectory directory;
  {
    const auto file = SocketFile::listen(directory / "s", "");
    ASSERT_TRUE(file.ok());
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "s"));
  {
    const auto file = SocketFile::listen(directory / "s", "");
    ASSERT_TRUE(file.ok());
    std::filesystem::rename(directory / "s", directory / "moved");
    std::ofstream(directory / "s") << "successor";
  }
  EXPECT_TRUE(std::filesystem::exists(directory / "s"));
}

TEST(SocketFile, refuses_paths_that_no_unix_socket_can_have) {
  EXPECT_FALSE(SocketFile::listen("", "").ok());
  const auto file = SocketFile::listen("/tmp/" + std::string(108, 'x'), "");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().text.find("107 bytes"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::serve
