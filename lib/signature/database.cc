#include "signature/database.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <algorithm>
#include <utility>

#include "config/render.h"
#include "signature/database_builder.h"
#include "signature/expression.h"

namespace edgesentry::signature {
namespace {

// One stream's state; a worker has thousands. Large counted repeats make it explode.
constexpr std::size_t kStreamBytesMax = 8 * 1024;
constexpr std::size_t kSentenceMax = 160;

// Parts are the directions in order, and then TCP again, as streams.
constexpr std::size_t direction_of(std::size_t part) {
  return part < kDirections ? part : part - kDirections;
}

bool is_of(const Pattern& pattern, std::size_t wanted) {
  const bool is_tcp = wanted < kSides;
  if (pattern.transport == (is_tcp ? Transport::udp : Transport::tcp)) return false;
  return static_cast<std::size_t>(pattern.side) == wanted % kSides;
}

}  // namespace

void FreeDatabase::operator()(hs_database* database) const noexcept {
  hs_free_database(database);
}

std::size_t Database::bytes() const noexcept {
  std::size_t sum = 0, size = 0;
  for (const DatabaseHandle& each : block_)
    if (each && hs_database_size(each.get(), &size) == HS_SUCCESS) sum += size;
  for (const DatabaseHandle& each : stream_)
    if (each && hs_database_size(each.get(), &size) == HS_SUCCESS) sum += size;
  return sum;
}

std::size_t Database::stream_bytes() const noexcept {
  std::size_t most = 0, size = 0;
  for (const DatabaseHandle& each : stream_)
    if (each && hs_stream_size(each.get(), &size) == HS_SUCCESS) most = std::max(most, size);
  return most;
}

bool DatabaseBuilder::is_part_used(std::size_t part) const {
  return std::ranges::any_of(file_.patterns, [part](const Pattern& pattern) {
    return is_of(pattern, direction_of(part));
  });
}

bool DatabaseBuilder::compile_parts(Parts& parts) {
  for (std::size_t part = 0; part < kParts; ++part)
    if (!compile_part(part, parts[part])) return false;
  return true;
}

bool DatabaseBuilder::compile_part(std::size_t part, DatabaseHandle& handle) {
  std::vector<const char*> expressions;
  std::vector<unsigned> flags, ids;
  for (std::size_t i = 0; i < file_.patterns.size(); ++i) {
    const Pattern& pattern = file_.patterns[i];
    if (!is_of(pattern, direction_of(part))) continue;
    expressions.push_back(pattern.expression.c_str());
    flags.push_back(hyperscan_flags(pattern));
    ids.push_back(static_cast<unsigned>(i));
  }
  if (ids.empty()) return true;
  const unsigned mode = part < kDirections ? HS_MODE_BLOCK : HS_MODE_STREAM;
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t result =
      hs_compile_multi(expressions.data(), flags.data(), ids.data(),
                       static_cast<unsigned>(ids.size()), mode, nullptr, &database, &error);
  if (result != HS_SUCCESS) {
    find_culprits(error == nullptr ? "" : config::printable(error->message, kSentenceMax));
    hs_free_compile_error(error);
    return false;
  }
  handle.reset(database);
  std::size_t stream_bytes = 0;
  if (mode == HS_MODE_STREAM && hs_stream_size(database, &stream_bytes) == HS_SUCCESS &&
      stream_bytes > kStreamBytesMax) {
    problems_.push_back(
        {file_.name, 0, 0, "",
         fmt::format("needs {} bytes for each stream, {} at most", stream_bytes, kStreamBytesMax),
         "Shorten counted repeats such as .{1,1000}"});
    return false;
  }
  return true;
}

// Compiled together, the first fault hides the others.
void DatabaseBuilder::find_culprits(const std::string& sentence) {
  for (const Pattern& pattern : file_.patterns)
    if (const auto fault = compile_fault(pattern))
      problems_.push_back({file_.name, pattern.line, 0, fmt::format("\"{}\"", pattern.id),
                           fmt::format("expression: {}", *fault), "Write a simpler expression"});
  if (problems_.empty())
    problems_.push_back({file_.name, 0, 0, "",
                         fmt::format("cannot be compiled as a whole: {}", sentence),
                         "Leave out patterns that are not needed"});
}

std::shared_ptr<const Database> DatabaseBuilder::assemble(Parts parts) const {
  auto database = std::make_shared<Database>();
  database->patterns_ = file_.patterns;
  for (std::size_t part = 0; part < kParts; ++part)
    (part < kDirections ? database->block_[part] : database->stream_[part - kDirections]) =
        std::move(parts[part]);
  for (std::size_t each = 0; each < kDirections; ++each)
    for (const Pattern& pattern : file_.patterns) {
      if (!is_of(pattern, each)) continue;
      for (std::uint32_t port = 0; port <= UINT16_MAX; ++port) {
        const auto at = static_cast<std::uint16_t>(port);
        if (!pattern.takes(at)) continue;
        database->wanted_[each].insert(at);
        if (!pattern.any_port) database->named_[each].insert(at);
      }
    }
  return database;
}

Compiled compile(const PatternFile& file) {
  Compiled compiled;
  compiled.problems = file.problems;
  if (!file.usable()) return compiled;
  DatabaseBuilder builder(file);
  Parts parts;
  if (builder.compile_parts(parts))
    compiled.database = builder.assemble(std::move(parts));
  else
    compiled.problems = std::move(builder.problems());
  return compiled;
}

}  // namespace edgesentry::signature
