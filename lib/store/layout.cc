#include "store/layout.h"

#include <fmt/core.h>

#include <array>
#include <filesystem>
#include <span>
#include <system_error>

namespace edgesentry::store {

namespace {

constexpr const char* kPragmas =
    "PRAGMA auto_vacuum = INCREMENTAL;"  // before the file has its first page
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;"
    "PRAGMA secure_delete = ON;";  // so that nothing lifted is found again, see stray_rows.h
constexpr const char* kLayout1 =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE source("
    "  address BLOB PRIMARY KEY,"  // 4 or 16 bytes
    "  standing INTEGER NOT NULL, origin INTEGER NOT NULL,"
    "  is_offence INTEGER NOT NULL, offences INTEGER NOT NULL,"
    "  since INTEGER NOT NULL,"
    "  until INTEGER,"  // NULL: for ever
    "  quiet_since INTEGER NOT NULL, released INTEGER NOT NULL,"
    "  reason TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;"
    "COMMIT;";
constexpr const char* kLayout2 =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE allowed(network TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 2;"
    "COMMIT;";

}  // namespace

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

base::Status make_block_layout(Database& database) {
  if (base::Status set = database.run(kPragmas); !set) return set;
  const auto layout = database.ask("PRAGMA user_version");
  if (!layout) return layout.error();
  if (layout.value() < 0 || layout.value() > kLayoutNow)
    return of_newer_version(database.path(), layout.value(), kLayoutNow);
  // Each step from one layout to the next, in a transaction of its own.
  constexpr std::array<const char*, kLayoutNow> kSteps = {kLayout1, kLayout2};
  for (const char* step : std::span(kSteps).subspan(static_cast<std::size_t>(layout.value())))
    if (base::Status taken = database.run(step); !taken) return taken;
  return {};
}

}  // namespace edgesentry::store
