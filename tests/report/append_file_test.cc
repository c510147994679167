#include "report/append_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "temp_directory.h"

namespace edgesentry::report {
namespace {

base::Status send(AppendFile& file, std::string record) {
  return file.send(record);
}

TEST(AppendFile, creates_its_directory_and_a_file_for_owner_and_group) {
  const TempDirectory directory;
  const mode_t before = umask(022);
  AppendFile file(directory / "a/b/history");
  ASSERT_TRUE(send(file, "one\n").ok());
  umask(before);
  struct stat facts {};
  ASSERT_EQ(stat((directory / "a/b/history").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0640u);
  EXPECT_EQ(contents(directory / "a/b/history"), "one\n");
}

TEST(AppendFile, never_truncates_what_is_there) {
  const TempDirectory directory;
  std::ofstream(directory / "log") << "before\n";
  AppendFile file(directory / "log");
  ASSERT_TRUE(send(file, "after\n").ok());
  EXPECT_EQ(contents(directory / "log"), "before\nafter\n");
}

TEST(AppendFile, ends_a_line_that_a_crash_cut_short) {
  const TempDirectory directory;
  std::ofstream(directory / "log") << "2026-11-22T06:5";
  AppendFile file(directory / "log");
  ASSERT_TRUE(send(file, "whole\n").ok());
  EXPECT_EQ(contents(directory / "log"), "2026-11-22T06:5\nwhole\n");
}

TEST(AppendFile, opens_a_new_file_when_logrotate_moved_or_removed_the_old_one) {
  const TempDirectory directory;
  AppendFile file(directory / "log");
  ASSERT_TRUE(send(file, "one\n").ok());
  std::filesystem::rename(directory / "log", directory / "log.1");
  ASSERT_TRUE(send(file, "two\n").ok());
  std::filesystem::remove(directory / "log");
  ASSERT_TRUE(send(file, "three\n").ok());
  EXPECT_EQ(contents(directory / "log.1"), "one\n");
  EXPECT_EQ(contents(directory / "log"), "three\n");
}

TEST(AppendFile, goes_to_the_new_file_when_logrotate_created_one) {
  const TempDirectory directory;
  AppendFile file(directory / "log");
  ASSERT_TRUE(send(file, "one\n").ok());
  std::filesystem::rename(directory / "log", directory / "log.1");
  std::ofstream(directory / "log").close();
  ASSERT_TRUE(send(file, "two\n").ok());
  EXPECT_EQ(contents(directory / "log"), "two\n");
}

TEST(AppendFile, leaves_no_hole_after_copytruncate) {
  const TempDirectory directory;
  AppendFile file(directory / "log");
  ASSERT_TRUE(send(file, "a long line before the truncation\n").ok());
  std::filesystem::resize_file(directory / "log", 0);
  ASSERT_TRUE(send(file, "two\n").ok());
  EXPECT_EQ(contents(directory / "log"), "two\n");
}

TEST(AppendFile, refuses_a_symbolic_link_and_says_so) {
  const TempDirectory directory;
  std::ofstream(directory / "victim") << "precious\n";
  std::filesystem::create_symlink(directory / "victim", directory / "log");
  AppendFile file(directory / "log");
  const base::Status sent = send(file, "evil\n");
  ASSERT_FALSE(sent.ok());
  EXPECT_NE(sent.error().text.find("symbolic link"), std::string::npos) << sent.error().text;
  EXPECT_EQ(contents(directory / "victim"), "precious\n");
}

TEST(AppendFile, refuses_a_symbolic_link_that_appears_later) {
  const TempDirectory directory;
  std::ofstream(directory / "victim") << "precious\n";
  AppendFile file(directory / "log");
  ASSERT_TRUE(send(file, "one\n").ok());
  std::filesystem::remove(directory / "log");
  std::filesystem::create_symlink(directory / "victim", directory / "log");
  EXPECT_FALSE(send(file, "two\n").ok());
  EXPECT_EQ(contents(directory / "victim"), "precious\n");
}

TEST(AppendFile, refuses_a_fifo_without_waiting_for_its_reader) {
  const TempDirectory directory;
  ASSERT_EQ(mkfifo((directory / "log").c_str(), 0600), 0);
  AppendFile file(directory / "log");
  EXPECT_FALSE(send(file, "one\n").ok());
}

TEST(AppendFile, names_the_file_and_the_fault_when_its_directory_cannot_be_made) {
  const TempDirectory directory;
  std::ofstream(directory / "file").close();
  AppendFile file(directory / "file/log");
  const base::Status sent = send(file, "one\n");
  ASSERT_FALSE(sent.ok());
  EXPECT_NE(sent.error().text.find("file/log"), std::string::npos);
}

TEST(AppendFile, continues_a_line_that_a_full_disk_cut_short_where_it_stopped) {
  const TempDirectory directory;
  AppendFile file(directory / "log");
  ASSERT_TRUE(send(file, "12345678\n").ok());

  // The limit of file sizes stands for the full disk: a short write first, then an error.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{12, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string record = "abcdefgh\n";
  const base::Status first = file.send(record);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);

  EXPECT_FALSE(first.ok());
  EXPECT_EQ(record, "defgh\n");
  EXPECT_TRUE(file.send(record).ok());
  EXPECT_EQ(contents(directory / "log"), "12345678\nabcdefgh\n");
}

}  // namespace
}  // namespace edgesentry::report
