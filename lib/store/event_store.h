// The file of events: what happened in the last weeks, for whoever asks later. A file of its own,
// so that neither its size nor its damage touches the blocks.
//
// Owner: one thread. SQLite in WAL mode with synchronous = NORMAL: a power cut may take the last
// moments of it, and never more. Its layout's number is PRAGMA user_version. A damaged file is
// moved aside and a new one begun. Old events go by age and by the size of the file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/event_record.h"
#include "store/sqlite.h"

namespace edgesentry::store {

struct OpenedEvents;

class EventStore {
 public:
  static constexpr std::int64_t kLayout = 1;
  // Rows that one read() looks at and one prune() deletes, at most: milliseconds.
  static constexpr std::uint32_t kVisitsMax = 50'000;
  static constexpr std::uint32_t kPrunedMax = 5'000;

  static OpenedEvents open(const std::string& path);

  base::Status write(std::span<const EventRecord> events);  // all or nothing
  [[nodiscard]] base::Result<EventPage> read(const EventQuery& query);
  // True: there is more to delete.
  base::Result<bool> prune(std::int64_t before, std::uint64_t bytes_max);
  [[nodiscard]] base::Result<std::uint64_t> bytes();  // of the pages in use
  base::Status settle() { return database_.run("PRAGMA wal_checkpoint(TRUNCATE)"); }
  [[nodiscard]] Fault last_fault() const noexcept { return database_.last_fault(); }

 private:
  struct Statements {
    Statement insert, by_number, by_source;
  };
  EventStore(Database database, Statements statements) noexcept
      : database_(std::move(database)), statements_(std::move(statements)) {}
  static base::Result<std::unique_ptr<EventStore>> attach(const std::string& path, Fault& fault);

  Database database_;
  Statements statements_;  // after the database: finalized before it is closed
};

struct OpenedEvents {
  std::unique_ptr<EventStore> store;  // nullptr: nothing is kept
  std::vector<std::string> notes;     // for the operator; empty when all is well
};

}  // namespace edgesentry::store
