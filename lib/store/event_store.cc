#include "store/event_store.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "store/address_bytes.h"
#include "store/file_modes.h"
#include "store/file_names.h"
#include "store/layout.h"
#include "store/standing_file.h"

namespace edgesentry::store {

namespace {

constexpr const char* kPragmas =
    "PRAGMA auto_vacuum = INCREMENTAL;"  // before the file has its first page
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;";
constexpr const char* kLayout1 =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE event("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"  // never the same again
    "  time INTEGER NOT NULL, action TEXT NOT NULL,"
    "  address BLOB, bits INTEGER,"  // NULL: of the appliance itself
    "  line TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_of_source ON event(address, number) WHERE address IS NOT NULL;"
    "PRAGMA user_version = 1;"
    "COMMIT;";
constexpr const char* kInsert =
    "INSERT INTO event(time, action, address, bits, line) VALUES(?1, ?2, ?3, ?4, ?5)";
constexpr const char* kByNumber =
    "SELECT number, time, action, address, bits, line FROM event WHERE number < ?1 "
    "ORDER BY number DESC";
constexpr const char* kBySource =
    "SELECT number, time, action, address, bits, line FROM event "
    "WHERE address = ?2 AND number < ?1 ORDER BY number DESC";

KeptEvent event_in(const Statement& row) {
  KeptEvent kept{.number = row.integer(0),
                 .event = {.time = row.integer(1),
                           .action = std::string(row.text(2)),
                           .source = std::nullopt,
                           .line = std::string(row.text(5))}};
  base::Ip address;
  const std::int64_t bits = row.integer(4);
  const bool has_source = !row.is_null(3) && read_address(row.bytes(3), address);
  if (has_source && bits >= 0 && bits <= (address.is_v4() ? 32 : 128))
    kept.event.source = base::Prefix(address, static_cast<std::uint8_t>(bits));
  return kept;
}

bool is_asked_for(const KeptEvent& kept, const EventQuery& query) {
  const bool is_in_time = kept.event.time >= query.since && kept.event.time <= query.until;
  return is_in_time && (query.action.empty() || query.action == kept.event.action);
}

base::Status make_layout(Database& database) {
  if (base::Status set = database.run(kPragmas); !set) return set;
  const auto layout = database.ask("PRAGMA user_version");
  if (!layout) return layout.error();
  if (layout.value() == 0) return database.run(kLayout1);
  if (layout.value() == EventStore::kLayout) return {};
  return of_newer_version(database.path(), layout.value(), EventStore::kLayout);
}

}  // namespace

base::Result<std::unique_ptr<EventStore>> EventStore::attach(const std::string& path,
                                                             Fault& fault) {
  auto database = Database::open(path, Database::Access::read_write);
  if (!database) return database.error();
  const auto fail = [&](const base::Error& error) {
    fault = database.value().last_fault();
    return error;
  };
  if (base::Status ready = make_layout(database.value()); !ready) return fail(ready.error());
  auto insert = Statement::make(database.value(), kInsert);
  if (!insert) return fail(insert.error());
  auto by_number = Statement::make(database.value(), kByNumber);
  if (!by_number) return fail(by_number.error());
  auto by_source = Statement::make(database.value(), kBySource);
  if (!by_source) return fail(by_source.error());
  return std::unique_ptr<EventStore>(new EventStore(
      std::move(database).value(),
      {std::move(insert).value(), std::move(by_number).value(), std::move(by_source).value()}));
}

OpenedEvents EventStore::open(const std::string& path) {
  OpenedEvents opened;
  if (const std::string why = not_a_file(path); !why.empty()) {
    opened.notes.push_back(why + "; until then events are not kept");
    return opened;
  }
  if (std::string note = tighten(path); !note.empty()) opened.notes.push_back(std::move(note));
  Fault fault = Fault::unusable;
  const auto layout = layout_of(path);
  auto store = layout > kLayout ? of_newer_version(path, *layout, kLayout) : attach(path, fault);
  if (!store && fault == Fault::broken) {
    const std::string why = store.error().text;
    const std::string aside = move_aside(path);
    opened.notes.push_back(
        aside.empty() ? fmt::format("{}, and it cannot be moved aside", why)
                      : fmt::format("{}; it is kept as {}, a new one is begun", why, aside));
    if (!aside.empty()) store = attach(path, fault);
  }
  if (store)
    opened.store = std::move(store).value();
  else
    opened.notes.push_back(fmt::format("{}; events are not kept", store.error().text));
  return opened;
}

base::Status EventStore::write(std::span<const EventRecord> events) {
  if (base::Status begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun;
  base::Status status;
  Statement& insert = statements_.insert;
  for (const EventRecord& event : events) {
    insert.bind(1, event.time);
    insert.bind(2, std::string_view(event.action));
    if (event.source) {
      insert.bind(3, AddressBytes(event.source->address()).bytes());
      insert.bind(4, std::int64_t{event.source->length()});
    } else {
      insert.bind_null(3);
      insert.bind_null(4);
    }
    insert.bind(5, std::string_view(event.line));
    if (const auto done = insert.step(); !done) {
      status = done.error();
      break;
    }
  }
  if (status) status = database_.run("COMMIT");
  if (status) return status;
  const Fault fault = database_.last_fault();
  static_cast<void>(database_.run("ROLLBACK"));  // SQLite may have done so by itself
  database_.set_fault(fault);
  return status;
}

base::Result<EventPage> EventStore::read(const EventQuery& query) {
  Statement& rows = query.source ? statements_.by_source : statements_.by_number;
  rows.bind(1, query.before);
  if (query.source) rows.bind(2, AddressBytes(*query.source).bytes());
  EventPage page;
  std::uint32_t visits = 0;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!row.value()) return page;  // the last row
    KeptEvent kept = event_in(rows);
    const std::int64_t number = kept.number;
    if (is_asked_for(kept, query)) page.events.push_back(std::move(kept));
    if (page.events.size() < query.count && ++visits < kVisitsMax) continue;
    page.next = number;
    rows.reset();
    return page;
  }
}

base::Result<std::uint64_t> EventStore::bytes() {
  const auto pages = database_.ask("PRAGMA page_count");
  const auto free = pages ? database_.ask("PRAGMA freelist_count") : pages;
  const auto size = free ? database_.ask("PRAGMA page_size") : free;
  if (!size) return size.error();
  return static_cast<std::uint64_t>((pages.value() - free.value()) * size.value());
}

base::Result<bool> EventStore::prune(std::int64_t before, std::uint64_t bytes_max) {
  const auto held = bytes();
  if (!held) return held.error();
  const auto rows = database_.ask("SELECT max(number) - min(number) + 1 FROM event");
  if (!rows) return rows.error();
  // As many of them as of the bytes are too many.
  const double surplus = held.value() > bytes_max ? static_cast<double>(held.value() - bytes_max) /
                                                        static_cast<double>(held.value())
                                                  : 0;
  const auto too_many = static_cast<std::uint64_t>(surplus * static_cast<double>(rows.value())) + 1;
  // Those that are too old stand first, but for a clock that was set.
  const std::string which =
      surplus > 0 ? fmt::format("SELECT number FROM event ORDER BY number LIMIT {}",
                                std::min<std::uint64_t>(too_many, kPrunedMax))
                  : fmt::format(
                        "SELECT number FROM (SELECT number, time FROM event ORDER BY number "
                        "LIMIT {}) WHERE time < {}",
                        kPrunedMax, before);
  if (base::Status done =
          database_.run(fmt::format("DELETE FROM event WHERE number IN ({})", which).c_str());
      !done)
    return done.error();
  const auto deleted = database_.ask("SELECT changes()");
  if (!deleted) return deleted.error();
  if (base::Status freed = database_.run("PRAGMA incremental_vacuum(1000)"); !freed)
    return freed.error();
  return deleted.value() > 0;
}

}  // namespace edgesentry::store
