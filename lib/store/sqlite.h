// SQLite's handles with an owner, and its errors as sentences. Private to store.
//
// Owner: one thread for each Database and its statements. A Statement does not outlive its
// Database, which may be moved. Errors name the file and what SQLite said; last_fault() tells which
// kind it was.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace edgesentry::store {

enum class Fault : std::uint8_t {
  none,
  broken,    // what is in the file is no database, or no longer one
  full,      // no room on the disk
  lost,      // somebody took the file away, or cut it short, while it was in use
  unusable,  // may not be opened, read or written
};

class Database {
 public:
  enum class Access : std::uint8_t {
    read_write,
    read_only,
    as_it_stands,  // read only, without SQLite's log: for a folder where nothing may be created
  };

  static base::Result<Database> open(const std::string& path, Access access);

  // To be read only; the bytes outlive it.
  static base::Result<Database> of_bytes(const std::string& path, std::span<std::uint8_t> bytes);

  base::Status run(const char* sql);
  // The first column of the first row; 0 when there is none.
  base::Result<std::int64_t> ask(const char* sql);
  // Of the last call that failed.
  [[nodiscard]] Fault last_fault() const noexcept { return core_->fault; }
  void set_fault(Fault fault) noexcept { core_->fault = fault; }  // after a rollback
  [[nodiscard]] const std::string& path() const noexcept { return core_->path; }

  // Whoever counts the pages in the log empties it: SQLite no longer does.
  void count_frames() noexcept;
  [[nodiscard]] std::uint64_t frames() const noexcept { return core_->frames; }
  // True: all of the log is in the file. False: a reader is in the way of the rest.
  base::Result<bool> checkpoint();
  // Empties the log once all of it is in the file; false: a reader is in the way, or it is not.
  bool empty_log() noexcept;
  // Closing it neither moves the log into the file nor removes it.
  void leave_the_log() noexcept;

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const noexcept { ::sqlite3_close_v2(handle); }
  };
  struct Core {  // stays where it is when its owner moves
    std::unique_ptr<sqlite3, Close> handle;
    std::string path;
    Fault fault = Fault::none;
    std::uint64_t frames = 0;  // that have been committed since the log was last moved

    base::Error fail(int code, const char* said);
    base::Error fail();
  };

  std::unique_ptr<Core> core_;
};

class Statement {
 public:
  static base::Result<Statement> make(Database& database, std::string_view sql);

  // Places are numbered from 1. What is bound is copied.
  void bind(int place, std::int64_t value) noexcept;
  void bind(int place, std::span<const std::uint8_t> bytes) noexcept;
  void bind(int place, std::string_view text) noexcept;
  void bind_null(int place) noexcept;

  // True: a row is there to be read. After false or an error it starts anew.
  base::Result<bool> step();
  void reset() noexcept { ::sqlite3_reset(handle_.get()); }

  // Columns are numbered from 0; valid until the next step.
  [[nodiscard]] bool is_null(int column) const noexcept;
  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] std::span<const std::uint8_t> bytes(int column) const noexcept;
  [[nodiscard]] std::string_view text(int column) const noexcept;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { ::sqlite3_finalize(handle); }
  };

  Database::Core* core_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace edgesentry::store
