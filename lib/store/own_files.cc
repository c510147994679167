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

}  // namespace

void OwnFiles::remember(const std::string& path) {
  path_ = path;
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    struct stat about {};
    if (::stat((path_ + kEndings[i]).c_str(), &about) != 0) continue;
    known_[i] = {.device = about.st_dev,
                 .number = about.st_ino,
                 .bytes = i == kLog ? 0 : static_cast<std::uint64_t>(about.st_size)};
  }
}

void OwnFiles::expect_log(std::uint64_t frames, std::uint64_t page_bytes) noexcept {
  known_[kLog].bytes = kLogHeaderBytes + frames * (kFrameHeaderBytes + page_bytes);
}

bool OwnFiles::is_at_its_name(std::size_t i, std::uint64_t& bytes) const noexcept {
  struct stat about {};
  if (::lstat((path_ + kEndings[i]).c_str(), &about) != 0) return false;
  bytes = static_cast<std::uint64_t>(about.st_size);
  return about.st_dev == known_[i].device && about.st_ino == known_[i].number;
}

std::string OwnFiles::what_is_wrong() const {
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    if (known_[i].number == 0) continue;
    std::uint64_t bytes = 0;
    const bool is_there = is_at_its_name(i, bytes);
    if (is_there && bytes >= known_[i].bytes) continue;
    return fmt::format(
        "{}{} was {} while it was in use; leave it to edgesentryd, which begins it "
        "anew and writes every block there",
        path_, kEndings[i], is_there ? "cut short" : "taken away or exchanged");
  }
  return {};
}

std::string OwnFiles::put_away() const {
  const std::string aside = name_aside(path_);
  bool was_there = false;
  for (std::size_t i = 0; i < kEndings.size(); ++i) {
    std::uint64_t bytes = 0;
    if (known_[i].number == 0 || !is_at_its_name(i, bytes)) continue;
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
