#include "store/file_names.h"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>

namespace edgesentry::store {

namespace fs = std::filesystem;

std::string name_aside(const std::string& path) {
  constexpr int kMost = 100;
  std::error_code fault;
  std::string aside = path + ".damaged";
  const auto is_taken = [&] {
    return fs::exists(aside, fault) || fs::exists(aside + "-wal", fault);
  };
  for (int i = 2; i <= kMost && is_taken(); ++i) aside = fmt::format("{}.damaged.{}", path, i);
  return aside;
}

std::string move_aside(const std::string& path) {
  std::error_code fault;
  std::string aside = name_aside(path);
  fs::rename(path, aside, fault);
  if (fault) return {};
  std::error_code ignored;  // they need not be there
  fs::rename(path + "-wal", aside + "-wal", ignored);
  fs::remove(path + "-shm", ignored);
  return aside;
}

}  // namespace edgesentry::store
