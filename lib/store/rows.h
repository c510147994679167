// What can be read of the rows of a file of blocks, damaged or not. Private to store.
//
// Any thread, one at a time for each file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/record.h"
#include "store/sqlite.h"

namespace edgesentry::store {

struct Rows {
  std::vector<Record> records;
  Allowed allowed;
  std::int64_t layout = 0;
  std::uint64_t senseless = 0;
  bool is_whole = true;
  std::string trouble;
};

// Up to the first damage.
void read_in_order(Database& database, Rows& rows);
// From the front up to the damage, from the back up to it, and what stands between.
void read_what_is_left(Database& database, Rows& rows);
[[nodiscard]] Rows read_what_is_left(const std::string& path, Database::Access access);

}  // namespace edgesentry::store
