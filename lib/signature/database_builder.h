// Fills a Database: by compiling the patterns, or from the bytes of a cache. Private to this
// folder.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "signature/database.h"

namespace edgesentry::signature {

inline constexpr std::size_t kParts = kDirections + kSides;  // block databases, then streams
using Parts = std::array<DatabaseHandle, kParts>;

class DatabaseBuilder {
 public:
  explicit DatabaseBuilder(const PatternFile& file) : file_(file) {}

  // False: problems() says why.
  bool compile_parts(Parts& parts);
  [[nodiscard]] std::vector<config::Problem>& problems() noexcept { return problems_; }

  // The parts, with the patterns they were made of and the ports these ask for.
  [[nodiscard]] std::shared_ptr<const Database> assemble(Parts parts) const;

  // Whether some pattern is of this part; the others have no database.
  [[nodiscard]] bool is_part_used(std::size_t part) const;

 private:
  bool compile_part(std::size_t part, DatabaseHandle& handle);
  void find_culprits(const std::string& sentence);

  const PatternFile& file_;
  std::vector<config::Problem> problems_;
};

}  // namespace edgesentry::signature
