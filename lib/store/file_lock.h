// One process for one file of blocks: a second one would write its own ledger over the first one's.
//
// A lock of the kernel's (flock) on the file PATH.lock beside it, for SQLite's own locks end when
// anybody in the process closes the file. It ends with the process, however that ends, so a file
// that is left means nothing. Taken by main, before the process becomes another user.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace edgesentry::store {

class FileLock {
 public:
  // An error: another process has it, named by its number if that can be told. Where no file can be
  // made or opened (a disk that only reads, a missing folder) nothing is locked. `heir`: the user
  // whose file a new one becomes.
  static base::Result<FileLock> take(const std::string& path, std::optional<uid_t> heir);

  FileLock() noexcept = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

  [[nodiscard]] bool is_held() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace edgesentry::store
