// The pattern file (config/patterns.toml): its text to patterns, with everything wrong said at
// once.
//
// Each [[pattern]] is read by itself, so that a slip in one does not hide the next; therefore
// "[[pattern]]" must not open a line inside a text. Payloads under matches and spares take \r \n \t
// \\ \' and \xNN in TOML's literal texts ('...'). No I/O but load_patterns(); any thread; bounded
// in everything (file, patterns, lengths).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "signature/pattern.h"

namespace edgesentry::signature {

struct PatternFile {
  std::string name;
  std::vector<Pattern> patterns;  // those without a fault, in the order of the file
  std::vector<config::Problem> problems;
  std::uint64_t fingerprint = 0;  // of the text

  [[nodiscard]] bool usable() const noexcept { return problems.empty() && !patterns.empty(); }
};

PatternFile parse_patterns(std::string_view text, const std::string& name);
PatternFile load_patterns(const std::string& path);

// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv): tells files apart and finds damage;
// no defence against somebody who may write the files.
constexpr std::uint64_t kFingerprintStart = 0xcbf29ce484222325;
constexpr std::uint64_t fingerprint(std::string_view text,
                                    std::uint64_t hash = kFingerprintStart) noexcept {
  for (const char byte : text) {
    hash ^= static_cast<std::uint8_t>(byte);
    hash *= 0x100000001b3;
  }
  return hash;
}

// '\x16\x03GET \r\n' as bytes. False: an escape that there is not.
bool unescape(std::string_view text, std::string& bytes);

}  // namespace edgesentry::signature
