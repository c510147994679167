// The files of an open database, known by their inodes: whether they are still the ones that stand
// at their names, as long as they were left, and written by nobody else since. SQLite writes on
// into a file that has no name any more, into one that was cut short, and into one that somebody
// wrote over, and calls that a success. Private to store.
//
// Owner: the thread of the database. Looks at names only: closing a descriptor of one of the files
// would end SQLite's locks on it.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>

namespace edgesentry::store {

class OwnFiles {
 public:
  // What stands there now is ours.
  void remember(const std::string& path);
  void expect_file(std::uint64_t bytes) noexcept { known_[0].bytes = bytes; }
  // So many pages stand in the log.
  void expect_log(std::uint64_t frames, std::uint64_t page_bytes) noexcept;

  void expect_no_log() noexcept { known_[1].bytes = 0; }

  // What was written until now is ours: after everything that we do to them, done or failed.
  void log_is_written() noexcept { take_time(1); }
  void all_is_written() noexcept {
    take_time(0);
    take_time(1);
  }

  // A sentence; empty: they are there.
  [[nodiscard]] std::string what_is_wrong() const;
  // After they were closed: what still has our names is moved aside. Where to; empty: nothing was.
  [[nodiscard]] std::string put_away() const;

 private:
  struct Known {
    dev_t device = 0;
    ino_t number = 0;  // 0: there was none
    std::uint64_t bytes = 0;
    std::int64_t written = 0;  // when, in nanoseconds
  };
  void take_time(std::size_t i) noexcept;
  // What stands at the name now; number 0: nothing.
  [[nodiscard]] Known seen(std::size_t i) const noexcept;
  [[nodiscard]] bool is_ours(std::size_t i, const Known& now) const noexcept {
    return now.number != 0 && now.device == known_[i].device && now.number == known_[i].number;
  }

  std::string path_;
  std::array<Known, 3> known_;  // the file, its log, the index of the log
};

}  // namespace edgesentry::store
