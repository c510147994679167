// Payloads cut and sent in any way: in order, the stream finds what the whole holds; with losses,
// repeats and reordering every bound still holds and Hyperscan never refuses.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "signature/matcher.h"

namespace {

namespace base = edgesentry::base;
using edgesentry::signature::Compiled;
using edgesentry::signature::Database;
using edgesentry::signature::Hits;
using edgesentry::signature::Matcher;
using edgesentry::signature::MatcherLimits;
using edgesentry::signature::Side;

constexpr std::size_t kTextMax = 512;

std::string entry(std::string_view id, std::string_view side, std::string_view expression) {
  return "[[pattern]]\nid = '" + std::string(id) + "'\nkind = 'exploit'\nexpression = '" +
         std::string(expression) + "'\nflags = ['multiline']\nprotocol = 'tcp'\nside = '" +
         std::string(side) +
         "'\nseverity = 'low'\ndescription = 'd'\nmatches = ['a']\nspares = ['b']\n";
}

std::shared_ptr<const Database> make_database() {
  const Compiled compiled = edgesentry::signature::compile(edgesentry::signature::parse_patterns(
      entry("a", "client", "abc") + entry("b", "client", "^ab?c") + entry("c", "client", "a.*b") +
          entry("d", "server", "^5.0 ") + entry("e", "server", "[ab]{3}c"),
      "p"));
  EDGESENTRY_CHECK(compiled.database != nullptr, "the patterns of this target are right");
  return compiled.database;
}

std::unique_ptr<Matcher> make_matcher(const std::shared_ptr<const Database>& database,
                                      const MatcherLimits& limits) {
  auto matcher = Matcher::create(database, limits);
  EDGESENTRY_CHECK(matcher.ok(), "there is memory");
  return std::move(matcher.value());
}

void note(const Hits& hits, std::set<std::uint16_t>& found) {
  found.insert(hits.indices().begin(), hits.indices().end());
}

// The bytes are the text; each one's lowest bits say where the next cut is.
void check_in_order(const std::shared_ptr<const Database>& database,
                    std::span<const std::uint8_t> text, Side side) {
  const auto matcher = make_matcher(database, {.flows_max = 1});
  std::set<std::uint16_t> whole, cut;
  note(matcher->match({.bytes = text, .side = side}, {}), whole);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = std::min<std::size_t>(1 + text[at] % 7, text.size() - at);
    note(matcher->match_segment({.bytes = text.subspan(at, size), .side = side},
                                {{7}, 0xffffff00u + static_cast<std::uint32_t>(at)}, {}),
         cut);
    at += size;
  }
  EDGESENTRY_CHECK(whole == cut, "a stream in order finds what its bytes hold");
  EDGESENTRY_CHECK(matcher->counters().faults.value() == 0, "Hyperscan takes what it is given");
}

// Four bytes a segment: flow and side, sequence, length, milliseconds.
void check_any_order(const std::shared_ptr<const Database>& database,
                     std::span<const std::uint8_t> text) {
  MatcherLimits limits{.bytes_per_second = 10'000, .bytes_at_once = 200, .flows_max = 3};
  limits.bytes_per_flow = 64;
  limits.bytes_per_payload = 32;
  const auto matcher = make_matcher(database, limits);
  std::uint64_t milliseconds = 0;
  for (std::size_t at = 0; at + 4 <= text.size(); at += 4) {
    const Side side = text[at] & 1 ? Side::server : Side::client;
    const edgesentry::signature::FlowKey flow{static_cast<std::uint64_t>(text[at] >> 1 & 7)};
    if (text[at] & 0x80) matcher->forget(flow, side);
    const std::size_t from = text[at + 1] % text.size();
    const std::size_t size = std::min<std::size_t>(text[at + 2] % 80, text.size() - from);
    milliseconds += text[at + 3] % 16;
    matcher->match_segment({.bytes = text.subspan(from, size), .side = side},
                           {flow, static_cast<std::uint32_t>(from) - 100},
                           base::milliseconds(milliseconds));
    EDGESENTRY_CHECK(matcher->streams_followed() <= 6, "streams are bounded");
  }
  EDGESENTRY_CHECK(matcher->counters().bytes.value() <= 200 + milliseconds * 10, "so are bytes");
  EDGESENTRY_CHECK(matcher->counters().faults.value() == 0, "Hyperscan takes what it is given");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const Database> database = make_database();
  const std::span<const std::uint8_t> text(data, std::min(size, kTextMax));
  if (text.empty()) return 0;
  check_in_order(database, text, Side::client);
  check_in_order(database, text, Side::server);
  check_any_order(database, text);
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  constexpr std::string_view kTexts[] = {"xxabcabbc\nac\nab5 0 abcc", "550 a\n530 abac\n5",
                                         "a\nb\nabababababcababab", "\n\n\nabc\nabc\nac"};
  std::vector<Bytes> all;
  for (const std::string_view text : kTexts) all.emplace_back(text.begin(), text.end());
  return all;
}
