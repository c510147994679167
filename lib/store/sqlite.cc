#include "store/sqlite.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "store/file_modes.h"

namespace edgesentry::store {

namespace {

// Another process that reads the file (a backup) may hold it for a moment.
constexpr int kBusyMs = 2000;

Fault fault_of(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return Fault::none;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Fault::broken;
    case SQLITE_FULL:
      return Fault::full;
    default:
      return Fault::unusable;
  }
}

std::string_view remedy(Fault fault) noexcept {
  switch (fault) {
    case Fault::broken:
      return "its content is damaged";
    case Fault::full:
      return "make room on its disk";
    default:
      return "see that it and its folder may be written by this user, on a disk that works";
  }
}

// RFC 3986, section 2.1: what would end the path, or begin an escape.
std::string file_uri(std::string_view path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#')
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else
      uri += c;
  }
  return uri + "?immutable=1";
}

// SQLite by itself leaves the mode to the umask, and gives the log and its index that of the file.
// What fails here fails there again, and is told.
void make_private(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) return;  // closing it would end SQLite's locks on it
  const int fd =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kFileMode);
  if (fd >= 0) ::close(fd);
}

}  // namespace

base::Error Database::Core::fail(int code, const char* said) {
  fault = fault_of(code);
  return {fmt::format("{}: {}; {}", path, said, remedy(fault))};
}

base::Error Database::Core::fail() {
  return fail(::sqlite3_extended_errcode(handle.get()), ::sqlite3_errmsg(handle.get()));
}

base::Result<Database> Database::open(const std::string& path, Access access) {
  Database database;
  database.core_ = std::make_unique<Core>();
  Core& core = *database.core_;
  core.path = path;
  int flags = SQLITE_OPEN_NOMUTEX;
  flags |= access == Access::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                        : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  const std::string name = access == Access::as_it_stands ? file_uri(path) : path;
  if (access == Access::read_write) make_private(path);
  sqlite3* handle = nullptr;
  const int code = ::sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
  core.handle.reset(handle);
  if (code != SQLITE_OK) return core.fail(code, ::sqlite3_errstr(code));
  ::sqlite3_busy_timeout(handle, kBusyMs);
  return database;
}

base::Result<Database> Database::of_bytes(const std::string& path, std::span<std::uint8_t> bytes) {
  auto database = open(":memory:", Access::read_only);
  if (!database) return database;
  Core& core = *database.value().core_;
  core.path = path;
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  const int code = ::sqlite3_deserialize(core.handle.get(), "main", bytes.data(), size, size,
                                         SQLITE_DESERIALIZE_READONLY);
  if (code != SQLITE_OK) return core.fail(code, ::sqlite3_errstr(code));
  return database;
}

base::Status Database::run(const char* sql) {
  if (::sqlite3_exec(core_->handle.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return core_->fail();
  return {};
}

base::Result<std::int64_t> Database::ask(const char* sql) {
  auto statement = Statement::make(*this, sql);
  if (!statement) return statement.error();
  const auto row = statement.value().step();
  if (!row) return row.error();
  return row.value() ? statement.value().integer(0) : std::int64_t{0};
}

void Database::count_frames() noexcept {
  ::sqlite3_wal_hook(
      core_->handle.get(),
      [](void* core, sqlite3*, const char*, int frames) {
        static_cast<Core*>(core)->frames = static_cast<std::uint64_t>(frames);
        return SQLITE_OK;
      },
      core_.get());
}

base::Result<bool> Database::checkpoint() {
  int logged = 0, moved = 0;
  const int code = ::sqlite3_wal_checkpoint_v2(core_->handle.get(), nullptr,
                                               SQLITE_CHECKPOINT_PASSIVE, &logged, &moved);
  if ((code & 0xff) == SQLITE_BUSY) return false;
  if (code != SQLITE_OK) return core_->fail();
  if (moved < logged) return false;
  core_->frames = 0;
  return true;
}

bool Database::empty_log() noexcept {
  sqlite3* handle = core_->handle.get();
  ::sqlite3_busy_timeout(handle, 0);
  const int code =
      ::sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  ::sqlite3_busy_timeout(handle, kBusyMs);
  return code == SQLITE_OK;
}

void Database::leave_the_log() noexcept {
  ::sqlite3_db_config(core_->handle.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

base::Result<Statement> Statement::make(Database& database, std::string_view sql) {
  Statement statement;
  statement.core_ = database.core_.get();
  sqlite3_stmt* handle = nullptr;
  const int code =
      ::sqlite3_prepare_v3(statement.core_->handle.get(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  statement.handle_.reset(handle);
  if (code != SQLITE_OK) return statement.core_->fail();
  return statement;
}

void Statement::bind(int place, std::int64_t value) noexcept {
  ::sqlite3_bind_int64(handle_.get(), place, value);
}
void Statement::bind(int place, std::span<const std::uint8_t> bytes) noexcept {
  ::sqlite3_bind_blob(handle_.get(), place, bytes.data(), static_cast<int>(bytes.size()),
                      SQLITE_TRANSIENT);
}
void Statement::bind(int place, std::string_view text) noexcept {
  ::sqlite3_bind_text(handle_.get(), place, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
}
void Statement::bind_null(int place) noexcept {
  ::sqlite3_bind_null(handle_.get(), place);
}

base::Result<bool> Statement::step() {
  const int code = ::sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    ::sqlite3_reset(handle_.get());
    return false;
  }
  const base::Error error = core_->fail();
  ::sqlite3_reset(handle_.get());
  return error;
}

bool Statement::is_null(int column) const noexcept {
  return ::sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}
std::int64_t Statement::integer(int column) const noexcept {
  return ::sqlite3_column_int64(handle_.get(), column);
}
std::span<const std::uint8_t> Statement::bytes(int column) const noexcept {
  const void* data = ::sqlite3_column_blob(handle_.get(), column);
  const int size = ::sqlite3_column_bytes(handle_.get(), column);
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}
std::string_view Statement::text(int column) const noexcept {
  const auto* data = reinterpret_cast<const char*>(::sqlite3_column_text(handle_.get(), column));
  const int size = ::sqlite3_column_bytes(handle_.get(), column);
  return data == nullptr ? std::string_view{} : std::string_view{data, static_cast<size_t>(size)};
}

}  // namespace edgesentry::store
