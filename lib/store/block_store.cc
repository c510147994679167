#include "store/block_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "store/address_bytes.h"
#include "store/file_modes.h"
#include "store/file_names.h"
#include "store/layout.h"
#include "store/log_image.h"
#include "store/rows.h"
#include "store/standing_file.h"

namespace edgesentry::store {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUpsert =
    "INSERT INTO source VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
    "ON CONFLICT(address) DO UPDATE SET standing = ?2, origin = ?3, is_offence = ?4, "
    "offences = ?5, since = ?6, until = ?7, quiet_since = ?8, released = ?9, reason = ?10";
constexpr const char* kErase = "DELETE FROM source WHERE address = ?1";

std::string senseless_note(const std::string& path, std::uint64_t count) {
  return fmt::format("{}: {} row{} made no sense and {} left out", path, count,
                     count == 1 ? "" : "s", count == 1 ? "was" : "were");
}

Opened mend_with(const std::string& path, const std::string& why, Rows rows) {
  Opened opened;
  const std::string aside = move_aside(path);
  if (aside.empty()) {
    opened.trouble = why + ", and it cannot be moved aside";
    opened.notes.push_back(opened.trouble + "; blocks are kept in memory only");
    opened.records = std::move(rows.records);
    opened.allowed = std::move(rows.allowed);
    return opened;
  }
  opened.notes.push_back(
      fmt::format("{}; {} block{} and memories of it were saved, the damaged "
                  "file is kept as {}",
                  why, rows.records.size(), rows.records.size() == 1 ? "" : "s", aside));
  if (rows.senseless > 0) opened.notes.push_back(senseless_note(aside, rows.senseless));
  auto fresh = BlockStore::begin_anew(path);
  base::Status written = fresh ? fresh.value()->write(rows.records, &rows.allowed) : fresh.error();
  if (written) {
    opened.store = std::move(fresh).value();
  } else {
    opened.trouble = written.error().text;
    opened.notes.push_back(opened.trouble);
  }
  opened.records = std::move(rows.records);
  opened.allowed = std::move(rows.allowed);
  return opened;
}

Opened mend(const std::string& path, const std::string& why) {
  Rows rows = read_what_is_left(path, Database::Access::read_only);
  if (!rows.is_whole && rows.layout <= BlockStore::kLayout) add_stray_rows(path, rows);
  return mend_with(path, why, std::move(rows));
}

// Before SQLite opens it: what SQLite would pass over in silence.
std::optional<Opened> mend_log(const std::string& path, std::string& note) {
  LogImage image = look_at_log(path);
  if (!image.is_damaged) {
    if (image.is_cut)
      note = fmt::format(
          "{}-wal, its log, ends in the middle of a page: somebody cut it short, and "
          "the blocks that were written last may be missing",
          path);
    return std::nullopt;
  }
  Rows rows = rows_of(image, path);
  if (rows.layout > BlockStore::kLayout) return std::nullopt;
  return mend_with(
      path,
      fmt::format("{}-wal, its log, is damaged: {} of its pages cannot be read, and {} behind them "
                  "were; blocks of the last moments may be missing",
                  path, image.unread, image.beyond),
      std::move(rows));
}

// A database has a page at least; nobody who only began one leaves less behind for long.
std::string too_short(const std::string& path) {
  constexpr std::uintmax_t kPageLeast = 512;
  std::error_code fault;
  const auto bytes = fs::file_size(path, fault);
  if (fault || bytes >= kPageLeast) return {};
  return fmt::format(
      "{} holds {} byte{}, which is no database: if there was more in it, it is lost", path, bytes,
      bytes == 1 ? "" : "s");
}

Rows read_where_sqlite_cannot(const std::string& path) {
  LogImage image = look_at_log(path, true);
  if (image.committed.empty()) return read_what_is_left(path, Database::Access::as_it_stands);
  return rows_of(image, path);
}

// Not to be written: what is in it counts all the same.
Opened only_read(const std::string& path, const std::string& why,
                 Database::Access access = Database::Access::read_only) {
  Opened opened;
  Rows rows = read_what_is_left(path, access);
  // Without a place for its index of the log SQLite reads a file only when told that it is still.
  if (rows.records.empty()) rows = read_where_sqlite_cannot(path);
  opened.notes.push_back(fmt::format(
      "{}; blocks are kept in memory only and end with this process{}", why,
      rows.records.empty() ? ""
                           : fmt::format(", {} were read from the file", rows.records.size())));
  opened.trouble = why;
  opened.records = std::move(rows.records);
  opened.allowed = std::move(rows.allowed);
  return opened;
}

}  // namespace

base::Result<std::unique_ptr<BlockStore>> BlockStore::attach(Database database) {
  auto upsert = Statement::make(database, kUpsert);
  if (!upsert) return upsert.error();
  auto erase = Statement::make(database, kErase);
  if (!erase) return erase.error();
  const auto page = database.ask("PRAGMA page_size");
  if (!page) return page.error();
  database.count_frames();
  std::unique_ptr<BlockStore> store(
      new BlockStore(std::move(database), std::move(upsert).value(), std::move(erase).value()));
  store->page_bytes_ = static_cast<std::uint64_t>(page.value());
  store->files_.remember(store->database_.path());
  return store;
}

Opened BlockStore::open(const std::string& path) {
  if (const std::string why = not_a_file(path); !why.empty()) {
    Opened none;
    none.trouble = why;
    none.notes.push_back(why + "; until then blocks are kept in memory only");
    return none;
  }
  std::array<std::string, 3> notes = {tighten(path), too_short(path), {}};
  auto mended = mend_log(path, notes[2]);
  Opened opened = mended ? *std::move(mended) : open_as_it_is(path);
  for (auto note = notes.rbegin(); note != notes.rend(); ++note)
    if (!note->empty()) opened.notes.insert(opened.notes.begin(), std::move(*note));
  return opened;
}

Opened BlockStore::open_as_it_is(const std::string& path) {
  if (const auto layout = layout_of(path); layout > kLayout)
    return only_read(path, of_newer_version(path, *layout, kLayout).text, untouched(path));
  auto database = Database::open(path, Database::Access::read_write);
  if (!database) return only_read(path, database.error().text);
  base::Status ready = make_block_layout(database.value());
  Fault fault = database.value().last_fault();
  Rows rows;
  if (ready) {
    read_in_order(database.value(), rows);
    if (!rows.is_whole) {
      fault = database.value().last_fault();
      ready = base::Error{rows.trouble};
    }
  }
  if (!ready && fault == Fault::broken) {
    database = base::Error{"closed"};
    return mend(path, ready.error().text);
  }
  if (!ready) return only_read(path, ready.error().text);
  Opened opened;
  auto store = attach(std::move(database).value());
  if (!store) return mend(path, store.error().text);
  opened.store = std::move(store).value();
  opened.records = std::move(rows.records);
  opened.allowed = std::move(rows.allowed);
  if (rows.senseless > 0) opened.notes.push_back(senseless_note(path, rows.senseless));
  return opened;
}

base::Result<std::unique_ptr<BlockStore>> BlockStore::begin_anew(const std::string& path) {
  std::error_code fault;
  if (fs::exists(path, fault) && move_aside(path).empty())
    return base::Error{fmt::format("{} cannot be moved aside; move it away by hand", path)};
  fs::remove(path + "-wal", fault);
  auto database = Database::open(path, Database::Access::read_write);
  if (!database) return database.error();
  if (base::Status ready = make_block_layout(database.value()); !ready) return ready.error();
  return attach(std::move(database).value());
}

base::Status BlockStore::put(const Record& record) {
  const AddressBytes address(record.source);
  Statement& statement = record.standing == Standing::forgotten ? erase_ : upsert_;
  statement.bind(1, address.bytes());
  if (record.standing != Standing::forgotten) {
    upsert_.bind(2, static_cast<std::int64_t>(record.standing));
    upsert_.bind(3, static_cast<std::int64_t>(record.origin));
    upsert_.bind(4, std::int64_t{record.is_offence});
    upsert_.bind(5, std::int64_t{record.offences});
    upsert_.bind(6, record.since);
    if (record.until == kForever)
      upsert_.bind_null(7);
    else
      upsert_.bind(7, record.until);
    upsert_.bind(8, record.quiet_since);
    upsert_.bind(9, record.released);
    upsert_.bind(10, std::string_view(record.reason));
  }
  const auto done = statement.step();
  return done ? base::Status{} : base::Status{done.error()};
}

base::Status BlockStore::put(const Allowed& allowed) {
  if (base::Status cleared = database_.run("DELETE FROM allowed"); !cleared) return cleared;
  auto insert = Statement::make(database_, "INSERT OR IGNORE INTO allowed VALUES(?1)");
  if (!insert) return insert.error();
  for (const std::string& network : allowed) {
    insert.value().bind(1, std::string_view(network));
    if (const auto done = insert.value().step(); !done) return done.error();
  }
  return {};
}

base::Status BlockStore::write(std::span<const Record> records, const Allowed* allowed) {
  if (base::Status ours = look(); !ours) return ours;  // a cut log would grow again
  base::Status status = commit(records, allowed);
  files_.log_is_written();
  return status ? after_commit() : status;
}

base::Status BlockStore::commit(std::span<const Record> records, const Allowed* allowed) {
  if (base::Status begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun;
  base::Status status;
  for (const Record& record : records) {
    status = put(record);
    if (!status) break;
  }
  if (status && allowed != nullptr) status = put(*allowed);
  if (status) {
    status = database_.run("COMMIT");
    if (status) return status;
  }
  const Fault fault = database_.last_fault();
  static_cast<void>(database_.run("ROLLBACK"));  // SQLite may have done so by itself
  database_.set_fault(fault);
  return status;
}

base::Status BlockStore::prune(std::int64_t quiet_before, std::uint32_t most) {
  if (base::Status ours = look(); !ours) return ours;
  base::Status status = forget(quiet_before, most);
  files_.log_is_written();
  return status;
}

base::Status BlockStore::forget(std::int64_t quiet_before, std::uint32_t most) {
  auto old =
      Statement::make(database_, "DELETE FROM source WHERE standing = 2 AND quiet_since < ?1");
  if (!old) return old.error();
  old.value().bind(1, quiet_before);
  if (const auto done = old.value().step(); !done) return done.error();
  auto surplus = Statement::make(
      database_,
      "DELETE FROM source WHERE standing = 2 AND quiet_since < (SELECT quiet_since FROM source "
      "WHERE standing = 2 ORDER BY quiet_since DESC LIMIT 1 OFFSET ?1 - 1)");
  if (!surplus) return surplus.error();
  surplus.value().bind(1, std::int64_t{most});
  if (const auto done = surplus.value().step(); !done) return done.error();
  return database_.run("PRAGMA incremental_vacuum(1000)");
}

base::Status BlockStore::after_commit() {
  files_.expect_log(database_.frames(), page_bytes_);
  if (base::Status ours = look(); !ours) return ours;
  return database_.frames() < kFramesMost ? base::Status{} : move_log();
}

base::Status BlockStore::look() {
  const std::string why = files_.what_is_wrong();
  if (why.empty()) return {};
  database_.set_fault(Fault::lost);
  return base::Error{why};
}

base::Status BlockStore::move_log() {
  if (base::Status ours = look(); !ours) return ours;
  const auto is_all = database_.checkpoint();
  files_.all_is_written();
  if (!is_all) return is_all.error();
  if (!is_all.value()) return {};
  const auto pages = database_.ask("PRAGMA page_count");
  if (!pages) return pages.error();
  files_.expect_file(static_cast<std::uint64_t>(pages.value()) * page_bytes_);
  return look();
}

base::Status BlockStore::tidy() {
  if (database_.frames() == 0) return {};
  if (base::Status moved = move_log(); !moved) return moved;
  // A log that holds nothing new is a danger all the same: damaged, it hides what the file has.
  if (database_.frames() == 0 && database_.empty_log()) files_.expect_no_log();
  files_.all_is_written();
  return {};
}

base::Status BlockStore::settle() {
  if (base::Status ours = look(); !ours) return ours;
  base::Status settled = database_.run("PRAGMA wal_checkpoint(TRUNCATE)");
  files_.expect_no_log();
  files_.all_is_written();
  return settled ? look() : settled;
}

std::string BlockStore::abandon(std::unique_ptr<BlockStore> store) {
  const OwnFiles files = store->files_;
  store->database_.leave_the_log();
  store.reset();
  return files.put_away();
}

}  // namespace edgesentry::store
