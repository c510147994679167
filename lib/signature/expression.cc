#include "signature/expression.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "config/render.h"

namespace edgesentry::signature {
namespace {

constexpr std::size_t kSentenceMax = 160;
// Wider than what is looked at of a stream, and counted repeats that take minutes to compile.
constexpr unsigned kWidthMax = 4096;
constexpr unsigned kRepeatsMax = 1000;

// The largest number in counted repeats such as {2,1000}; other braces hold no
// plain numbers.
unsigned most_repeats(const std::string& expression) {
  unsigned most = 0;
  for (std::size_t at = expression.find('{'); at != std::string::npos;
       at = expression.find('{', at + 1)) {
    unsigned number = 0;
    for (std::size_t i = at + 1; i < expression.size(); ++i) {
      const char c = expression[i];
      if (c == ',') number = 0;
      if (c >= '0' && c <= '9')
        number = std::min(number * 10 + static_cast<unsigned>(c - '0'), kRepeatsMax + 1);
      else if (c != ',')
        break;
      most = std::max(most, number);
    }
  }
  return most;
}

std::string take_sentence(hs_compile_error_t* error) {
  std::string sentence = "Hyperscan refuses it without a reason";
  if (error != nullptr && error->message != nullptr)
    sentence = config::printable(error->message, kSentenceMax);
  hs_free_compile_error(error);
  while (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

}  // namespace

unsigned hyperscan_flags(const Pattern& pattern) {
  unsigned flags = 0;
  if (pattern.flags & expression_flag::kCaseless) flags |= HS_FLAG_CASELESS;
  if (pattern.flags & expression_flag::kDotAll) flags |= HS_FLAG_DOTALL;
  if (pattern.flags & expression_flag::kMultiLine) flags |= HS_FLAG_MULTILINE;
  if (!is_login(pattern.kind)) flags |= HS_FLAG_SINGLEMATCH;
  return flags;
}

std::optional<std::string> expression_fault(const Pattern& pattern) {
  if (most_repeats(pattern.expression) > kRepeatsMax)
    return fmt::format("repeats something more than {} times", kRepeatsMax);
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_expression_info(pattern.expression.c_str(), hyperscan_flags(pattern), &info, &error) !=
      HS_SUCCESS)
    return "cannot be compiled: " + take_sentence(error);
  const bool is_empty = info->min_width == 0;
  const bool is_at_end = info->matches_at_eod != 0;
  const unsigned width = info->max_width == UINT_MAX ? info->min_width : info->max_width;
  std::free(info);  // the library's default allocator
  if (is_empty) return "matches the empty payload, so everything";
  if (is_at_end) return "ends in an anchor ($ or \\z), and a stream has no known end";
  if (width > kWidthMax) return fmt::format("is {} bytes wide, {} at most", width, kWidthMax);
  return std::nullopt;
}

std::optional<std::string> compile_fault(const Pattern& pattern) {
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile(pattern.expression.c_str(), hyperscan_flags(pattern), HS_MODE_STREAM, nullptr,
                 &database, &error) != HS_SUCCESS)
    return "cannot be compiled: " + take_sentence(error);
  hs_free_database(database);
  return std::nullopt;
}

}  // namespace edgesentry::signature
