#include "store/own_files.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "store/file_names.h"

namespace edgesentry::store {

namespace {

namespace fs = std::filesystem;

constexpr std::array kEndings = {"", "-wal", "-shm"};
constexpr std::size_t kLog = 1;
// https://sqlite.org/fileformat2.html, section 4.1.
constexpr std::uint64_t kLogHeaderBytes = 32, kFrameHeaderBytes = 24;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace

OwnFiles::Known OwnFiles::seen(std::size_t i) const noexcept {
  struct stat about {};
  if (::lstat((path_ + kEndings[i]).c_str(), &about) != 0) return {};
  return {.device = about.st_dev,
          .number = about.st_ino,
          .bytes = static_cast<std::uint64_t>(about.st_size),
          .written = about.st_mtim.tv_sec * kNanosPerSecond + about.st_mtim.tv_nsec};
}

void OwnFiles::remember(const std::string& path) {
  path_ = path;
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    known_[i] = seen(i);
    if (i == kLog) known_[i].bytes = 0;
  }
}

void OwnFiles::expect_log(std::uint64_t frames, std::uint64_t page_bytes) noexcept {
  known_[kLog].bytes = kLogHeaderBytes + frames * (kFrameHeaderBytes + page_bytes);
}

void OwnFiles::take_time(std::size_t i) noexcept {
  if (const Known now = seen(i); is_ours(i, now)) known_[i].written = now.written;
}

std::string OwnFiles::what_is_wrong() const {
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    if (known_[i].number == 0) continue;
    const Known now = seen(i);
    const char* what = "";
    if (!is_ours(i, now))
      what = "taken away or exchanged";
    else if (now.bytes < known_[i].bytes)
      what = "cut short";
    else if (i <= kLog && now.written != known_[i].written)  // readers write the index too
      what = "written by somebody else";
    else
      continue;
    return fmt::format(
        "{}{} was {} while it was in use; leave it to edgesentryd, which begins it "
        "anew and writes every block there",
        path_, kEndings[i], what);
  }
  return {};
}

std::string OwnFiles::put_away() const {
  const std::string aside = name_aside(path_);
  bool was_there = false;
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    if (!is_ours(i, seen(i))) continue;
    std::error_code fault;  // what stays is looked at by the next opening
    if (i > kLog)
      fs::remove(path_ + kEndings[i], fault);
    else
      fs::rename(path_ + kEndings[i], aside + kEndings[i], fault);
    was_there = was_there || (!fault && i <= kLog);
  }
  return was_there ? aside : std::string();
}

}  // namespace edgesentry::store
