#include "config/secret_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/scratch.h"

namespace edgesentry::config {
namespace {

namespace fs = std::filesystem;

class SecretFile : public testing::Test {
 protected:
  [[nodiscard]] fs::path folder() const { return scratch_.path(); }
  fs::path write(const std::string& name, const std::string& text, unsigned mode = 0600) {
    const fs::path path = folder() / name;
    std::ofstream(path) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string fault(const fs::path& path) {
    const auto read = read_secret_file("api.token_file", path);
    return read.ok() ? std::string() : read.error().text;
  }

 private:
  test::Scratch scratch_;
};

TEST_F(SecretFile, is_read_whole) {
  const auto read = read_secret_file("k", write("token", "abc\ndef\n"));
  ASSERT_TRUE(read.ok()) << read.error().text;
  EXPECT_EQ(read.value(), "abc\ndef\n");
  EXPECT_EQ(fault(write("read-only", "x", 0400)), "");
  EXPECT_EQ(fault(write("largest", std::string(kSecretBytesMax, 'x'))), "");
}

TEST_F(SecretFile, is_refused_when_anybody_else_gets_at_it) {
  for (const unsigned mode : {0640u, 0604u, 0620u, 0602u, 0610u, 0601u}) {
    const std::string said = fault(write("token", "x", mode));
    EXPECT_NE(said.find("chmod 600"), std::string::npos) << mode << said;
    EXPECT_EQ(said.rfind("api.token_file: /", 0), 0u) << said;
  }
}

TEST_F(SecretFile, is_refused_in_a_folder_that_others_write) {
  const fs::path path = write("token", "x");
  for (const unsigned mode : {0770u, 0707u, 01777u}) {
    ASSERT_EQ(::chmod(folder().c_str(), mode), 0);
    const std::string said = fault(path), at = folder().string();
    EXPECT_EQ(said, "api.token_file: " + path.string() + " leads through " + at +
                        ", which others can write to; chmod go-w " + at +
                        ", or keep the file elsewhere");
  }
}

TEST_F(SecretFile, is_refused_through_a_link_in_or_into_such_a_folder) {
  const fs::path open = folder() / "open", link = folder() / "link";
  fs::create_directory(open);
  ASSERT_EQ(::chmod(open.c_str(), 01777), 0);
  std::ofstream(open / "token") << "x";
  fs::permissions(open / "token", fs::perms::owner_read);
  fs::create_symlink("open/token", link);
  EXPECT_NE(fault(link).find("/open, which others can write to"), std::string::npos) << fault(link);
  const fs::path token = write("token", "x");
  fs::create_symlink(token, open / "back");
  EXPECT_NE(fault(open / "back").find("which others can write to"), std::string::npos);
  fs::remove(link);
  fs::create_symlink("token", link);
  EXPECT_EQ(fault(link), "");
  fs::remove(link);
  fs::create_symlink("link", link);
  EXPECT_NE(fault(link).find("too many"), std::string::npos);
}

TEST_F(SecretFile, is_refused_when_it_is_empty_large_or_no_file) {
  EXPECT_NE(fault(write("empty", "")).find("is empty"), std::string::npos);
  EXPECT_NE(fault(write("large", std::string(kSecretBytesMax + 1, 'x'))).find("larger than 4096"),
            std::string::npos);
  fs::create_directory(folder() / "inner");
  EXPECT_NE(fault(folder() / "inner").find("is not a regular file"), std::string::npos);
  EXPECT_NE(fault(folder() / "missing").find("No such file"), std::string::npos);
  EXPECT_NE(fault("token").find("absolute"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder() / "pipe").c_str(), 0600), 0);
  EXPECT_NE(fault(folder() / "pipe").find("is not a regular file"), std::string::npos);
}

TEST_F(SecretFile, is_refused_when_it_belongs_to_somebody_else) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
  constexpr uid_t kNobody = 65534;
  const fs::path path = write("token", "x");
  ASSERT_EQ(::chown(path.c_str(), kNobody, kNobody), 0);
  EXPECT_NE(fault(path).find("belongs to user 65534"), std::string::npos);
  ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(folder().c_str(), kNobody, kNobody), 0);
  EXPECT_NE(
      fault(path).find("which belongs to user 65534, who could exchange the file; chown root"),
      std::string::npos);
}

TEST_F(SecretFile, may_belong_to_the_user_that_the_process_becomes_and_to_no_other) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
  constexpr uid_t kHeir = 65534, kOther = 65533;
  // A folder's name says nothing of who may own it.
  const fs::path ours = folder() / "edgesentry", path = ours / "token";
  fs::create_directory(ours);
  std::ofstream(path) << "x";
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const auto is_read = [&] { return read_secret_file("k", path, kHeir).ok(); };
  ASSERT_EQ(::chown(ours.c_str(), kHeir, kHeir), 0);
  EXPECT_TRUE(is_read());
  EXPECT_NE(fault(path).find("could exchange"), std::string::npos);
  ASSERT_EQ(::chown(path.c_str(), kHeir, kHeir), 0);
  EXPECT_TRUE(is_read());
  ASSERT_EQ(::chown(path.c_str(), kOther, kOther), 0);
  EXPECT_FALSE(is_read());
  ASSERT_EQ(::chown(path.c_str(), kHeir, kHeir), 0);
  ASSERT_EQ(::chown(ours.c_str(), kOther, kOther), 0);
  EXPECT_FALSE(is_read());
}

}  // namespace
}  // namespace edgesentry::config
