// The file of blocks: opened, read whole at the start, written in batches, mended when damaged.
//
// Owner: one thread. One row a source, keyed by its address, and one for each network that an
// operator has allowed; SQLite in WAL mode with synchronous = FULL, so that what write() has
// committed outlives a power cut. The layout's number is PRAGMA user_version; older layouts are
// brought up to date when they are opened, newer ones are left alone. A damaged file is never
// overwritten: it is moved aside, what can be read of it from both ends is taken over.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/layout.h"
#include "store/own_files.h"
#include "store/record.h"
#include "store/sqlite.h"

namespace edgesentry::store {

struct Opened;

class BlockStore {
 public:
  static constexpr std::int64_t kLayout = kLayoutNow;

  // Never fails: without a usable file there is no store, and the notes say why.
  static Opened open(const std::string& path);
  // A file without rows; what stands there is moved aside first.
  static base::Result<std::unique_ptr<BlockStore>> begin_anew(const std::string& path);

  // All or nothing. Later records of a source replace earlier ones; `allowed` replaces the list.
  base::Status write(std::span<const Record> records, const Allowed* allowed = nullptr);
  // Forgets memories: those last heard of before `quiet_before`, and the oldest past `most`.
  base::Status prune(std::int64_t quiet_before, std::uint32_t most);
  // Moves what is in the log into the file, and empties it, unless a reader is in the way; when
  // idle.
  base::Status tidy();
  // The same, and empties the log; before the end. No commit follows.
  base::Status settle();
  // Whether the files are still there, as they were left; with Fault::lost if not.
  base::Status look();
  // Of a store that is lost: closed without a write, what is left of its files moved aside. Where
  // to; empty: nothing was left.
  static std::string abandon(std::unique_ptr<BlockStore> store);

  [[nodiscard]] Fault last_fault() const noexcept { return database_.last_fault(); }

 private:
  BlockStore(Database database, Statement upsert, Statement erase) noexcept
      : database_(std::move(database)), upsert_(std::move(upsert)), erase_(std::move(erase)) {}
  static constexpr std::uint64_t kFramesMost = 1000;  // 4 MB of log
  base::Status commit(std::span<const Record> records, const Allowed* allowed);
  base::Status forget(std::int64_t quiet_before, std::uint32_t most);
  base::Status after_commit();
  base::Status move_log();
  base::Status put(const Record& record);
  base::Status put(const Allowed& allowed);
  static Opened open_as_it_is(const std::string& path);
  static base::Result<std::unique_ptr<BlockStore>> attach(Database database);

  Database database_;
  Statement upsert_;  // these after the database: finalized before it is closed
  Statement erase_;
  OwnFiles files_;
  std::uint64_t page_bytes_ = 0;
};

struct Opened {
  std::unique_ptr<BlockStore> store;  // nullptr: memory only
  std::vector<Record> records;        // of blocks and memories, what could be read
  Allowed allowed;
  std::string trouble;             // why there is no store
  std::vector<std::string> notes;  // for the operator; empty when all is well
};

}  // namespace edgesentry::store
