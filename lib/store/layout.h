// Which layout a database has, looked up before it is opened for writing: opening it that way, and
// closing it, would change the bytes of a file that a newer version needs as it is. Private to
// store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "store/sqlite.h"

namespace edgesentry::store {

inline constexpr std::int64_t kLayoutNow = 2;

// How to open what is to stay as it is. With a log the layout may stand in there, and SQLite has to
// look; it changes neither, and makes its index anew.
[[nodiscard]] Database::Access untouched(const std::string& path);

// Empty: there is no file, or none that can be read, which opening it tells better.
[[nodiscard]] std::optional<std::int64_t> layout_of(const std::string& path);

[[nodiscard]] base::Error of_newer_version(const std::string& path, std::int64_t layout,
                                           std::int64_t known);

// Pragmas, and tables where they are missing.
base::Status make_block_layout(Database& database);

}  // namespace edgesentry::store
