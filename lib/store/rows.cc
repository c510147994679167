#include "store/rows.h"

#include <iterator>
#include <utility>

#include "store/address_bytes.h"
#include "store/hole.h"

namespace edgesentry::store {

namespace {

constexpr const char* kForwards = "SELECT * FROM source ORDER BY address";
constexpr const char* kBackwards = "SELECT * FROM source ORDER BY address DESC";

void take_row(const Statement& row, Rows& rows) {
  Record record;
  if (read_row(row, record))
    rows.records.push_back(std::move(record));
  else
    ++rows.senseless;
}

Key key_of(const Record& record) {
  const AddressBytes address(record.source);
  return {address.bytes().begin(), address.bytes().end()};
}

void read_rows(Database& database, const char* sql, Rows& rows) {
  auto select = Statement::make(database, sql);
  if (!select) {
    rows.is_whole = false;
    rows.trouble = select.error().text;
    return;
  }
  for (;;) {
    const auto row = select.value().step();
    if (!row) {
      rows.is_whole = false;
      rows.trouble = row.error().text;
      return;
    }
    if (!row.value()) return;
    take_row(select.value(), rows);
  }
}

// What cannot be read is not allowed: an operator notices that, and a block in its place too.
void read_allowed(Database& database, Rows& rows) {
  auto select = Statement::make(database, "SELECT network FROM allowed ORDER BY network");
  if (!select) return;  // the first layout has none
  for (;;) {
    const auto row = select.value().step();
    if (!row || !row.value()) return;
    rows.allowed.emplace_back(select.value().text(0));
  }
}

}  // namespace

void read_in_order(Database& database, Rows& rows) {
  read_rows(database, kForwards, rows);
  read_allowed(database, rows);
}

void read_what_is_left(Database& database, Rows& rows) {
  // SQLite refuses a file that is shorter than its header says, but for who may mend it.
  static_cast<void>(database.run("PRAGMA writable_schema = ON"));
  if (const auto layout = database.ask("PRAGMA user_version")) rows.layout = layout.value();
  read_in_order(database, rows);
  if (rows.is_whole) return;
  Rows back;
  read_rows(database, kBackwards, back);
  Hole hole{.from = {}, .to = Key(17, 0xff)};
  if (!rows.records.empty()) {
    hole.from = key_of(rows.records.back());
    hole.from.push_back(0);
  }
  if (!back.records.empty()) hole.to = key_of(back.records.back());
  read_past(database, std::move(hole), [&](const Statement& row) { take_row(row, rows); });
  rows.records.insert(rows.records.end(), std::make_move_iterator(back.records.rbegin()),
                      std::make_move_iterator(back.records.rend()));
  rows.senseless += back.senseless;
}

Rows read_what_is_left(const std::string& path, Database::Access access) {
  Rows rows;
  auto database = Database::open(path, access);
  if (database) {
    read_what_is_left(database.value(), rows);
  } else {
    rows.is_whole = false;
    rows.trouble = database.error().text;
  }
  return rows;
}

}  // namespace edgesentry::store
