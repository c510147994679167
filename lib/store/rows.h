// What can be read of the rows of a file of blocks, damaged or not. Private to store.
//
// Any thread, one at a time for each file.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "store/address_bytes.h"
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

// The file is input like any other: false when the row makes no sense. A row is what has the
// columns of the table `source` as Statement has them.
template <class Row>
bool read_row(const Row& row, Record& record) {
  const std::int64_t standing = row.integer(1), origin = row.integer(2), offences = row.integer(4);
  if (!read_address(row.bytes(0), record.source)) return false;
  if (standing < 1 || standing > 2 || origin < 1 || origin > 2) return false;
  if (offences < 0 || offences > std::numeric_limits<std::uint32_t>::max()) return false;
  record.standing = static_cast<Standing>(standing);
  record.origin = static_cast<Origin>(origin);
  record.is_offence = row.integer(3) != 0;
  record.offences = static_cast<std::uint32_t>(offences);
  record.since = row.integer(5);
  record.until = row.is_null(6) ? kForever : row.integer(6);
  record.quiet_since = row.integer(7);
  record.released = row.integer(8);
  record.reason = row.text(9);
  return record.since >= 0 && record.until >= record.since && record.quiet_since >= 0 &&
         record.released >= 0;
}

}  // namespace edgesentry::store
