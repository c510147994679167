// The patterns as Hyperscan runs them: compiled once, immutable, shared by all workers.
//
// Four block databases (protocol by side) and two stream databases (TCP by side), so that a payload
// is looked at by the patterns of its own direction only, and wants() says for nothing that nobody
// asks for a port. Made by one thread at start or reload (some hundred milliseconds), read by any.
//
// The cache spares that compilation: one file, written as a whole (temporary file, then rename) and
// taken only when pattern file, Hyperscan, processor and checksum are the same, and when it is a
// file of root or this user that nobody else may write: what Hyperscan unpacks it trusts.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/port_set.h"
#include "config/problem.h"
#include "signature/pattern_file.h"

struct hs_database;

namespace edgesentry::signature {

inline constexpr std::size_t kSides = 2;
inline constexpr std::size_t kDirections = 4;

// tcp client, tcp server, udp client, udp server
constexpr std::size_t direction(Transport transport, Side side) noexcept {
  return (transport == Transport::udp ? kSides : 0) + static_cast<std::size_t>(side);
}

struct FreeDatabase {
  void operator()(hs_database* database) const noexcept;
};
using DatabaseHandle = std::unique_ptr<hs_database, FreeDatabase>;

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] std::span<const Pattern> patterns() const noexcept { return patterns_; }
  // Some pattern asks for payloads of this direction at this port of the protected host.
  [[nodiscard]] bool wants(std::size_t direction, std::uint16_t port) const noexcept {
    return wanted_[direction].contains(port);
  }
  // ... and some pattern names the port, instead of asking for every port there is.
  [[nodiscard]] bool names(std::size_t direction, std::uint16_t port) const noexcept {
    return named_[direction].contains(port);
  }
  // nullptr where no pattern is of that direction.
  [[nodiscard]] const hs_database* block(std::size_t direction) const noexcept {
    return block_[direction].get();
  }
  [[nodiscard]] const hs_database* stream(Side side) const noexcept {
    return stream_[static_cast<std::size_t>(side)].get();
  }
  [[nodiscard]] std::size_t bytes() const noexcept;         // of the compiled databases
  [[nodiscard]] std::size_t stream_bytes() const noexcept;  // of the state of one stream, at most

 private:
  friend class DatabaseBuilder;
  std::vector<Pattern> patterns_;
  std::array<base::PortSet, kDirections> wanted_{};
  std::array<base::PortSet, kDirections> named_{};
  std::array<DatabaseHandle, kDirections> block_;
  std::array<DatabaseHandle, kSides> stream_;
};

struct Compiled {
  std::shared_ptr<const Database> database;  // nullptr: problems say why
  std::vector<config::Problem> problems;
  std::string notice;  // what an operator may want to know of the cache; mostly empty
  bool from_cache = false;
  bool is_kept = false;  // the next start finds it in the cache
};

// Without a cache. A file that is not usable() gives its own problems back.
Compiled compile(const PatternFile& file);

// With one. A missing cache is written, a foreign or damaged one is replaced with a notice, one
// that cannot be written is a notice too: patterns are in force in each of these cases.
Compiled open_cached(const PatternFile& file, const std::string& cache_path);

// Runs each pattern over its own payloads, by the ports and side it is for: a payload under
// `matches` must be found and one under `spares` must not. All faults at once; empty: none.
std::vector<config::Problem> verify(const PatternFile& file,
                                    const std::shared_ptr<const Database>& database);

}  // namespace edgesentry::signature
