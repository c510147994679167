#include "store/layout.h"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>

namespace edgesentry::store {

Database::Access untouched(const std::string& path) {
  std::error_code fault;
  const auto bytes = std::filesystem::file_size(path + "-wal", fault);
  return !fault && bytes > 0 ? Database::Access::read_only : Database::Access::as_it_stands;
}

std::optional<std::int64_t> layout_of(const std::string& path) {
  auto database = Database::open(path, untouched(path));
  if (!database) return std::nullopt;
  const auto layout = database.value().ask("PRAGMA user_version");
  if (!layout) return std::nullopt;
  return layout.value();
}

base::Error of_newer_version(const std::string& path, std::int64_t layout, std::int64_t known) {
  return {
      fmt::format("{} has layout {}, which a newer version has written, and this one knows {}; "
                  "start the newer version, or move the file away",
                  path, layout, known)};
}

}  // namespace edgesentry::store
