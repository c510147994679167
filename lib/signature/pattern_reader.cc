#include "signature/pattern_reader.h"

// This library is built without exceptions, so the parser's own build with them cannot be linked.
#undef TOML_HEADER_ONLY
#undef TOML_SHARED_LIB
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "config/render.h"
#include "config/suggest.h"
#include "signature/expression.h"
#include "signature/pattern_file.h"

namespace edgesentry::signature {
namespace {

constexpr std::size_t kIdBytesMax = 48;
constexpr std::size_t kTextBytesMax = 200;
constexpr std::size_t kExpressionBytesMax = 1024;
constexpr std::size_t kPayloadBytesMax = 4096;  // also what a stream is scanned for, at most
constexpr std::size_t kPayloadsMax = 32;
constexpr std::size_t kSentenceMax = 160;
constexpr std::size_t kEntryBytesMax = 64 * 1024;
// Each dot of a key is a table in a table, and the recursion over them must stay small whatever is
// in the file; no key of an entry has any.
constexpr unsigned kDotsMax = 32;

constexpr std::array<std::string_view, 13> kKeys = {
    "id",   "kind",    "expression", "flags",   "protocol", "side",       "ports",
    "tool", "service", "severity",   "matches", "spares",   "description"};
constexpr std::array<std::string_view, 3> kFlagNames = {"caseless", "dotall", "multiline"};

// The most dots in one key, with texts and comments left out.
unsigned dots_of(std::string_view text) {
  unsigned dots = 0, most = 0;
  char quote = 0;
  bool is_comment = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') is_comment = false;
    if (is_comment) continue;
    if (quote != 0) {
      if (quote == '"' && c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      is_comment = true;
    } else if (c == '\n' || c == '=' || c == ',') {
      dots = 0;
    } else if (c == '.') {
      most = std::max(most, ++dots);
    }
  }
  return most;
}

class Reader {
 public:
  Reader(const PatternText& source, Pattern& pattern, std::vector<config::Problem>& problems)
      : source_(source), pattern_(pattern), problems_(problems) {}

  void read() {
    if (source_.text.size() > kEntryBytesMax)
      return say({}, "is larger than 64 KiB", "Shorten its payloads");
    if (dots_of(source_.text) > kDotsMax)
      return say({}, "has a key of too many parts", "Write key = value, without dots in the key");
    const toml::parse_result parsed = toml::parse(source_.text, std::string_view(source_.file));
    if (!parsed) {
      say(parsed.error().source().begin,
          fmt::format("cannot be read: {}",
                      config::printable(parsed.error().description(), kSentenceMax)),
          "Write key = value, with expressions and payloads in single quotes");
      return;
    }
    const toml::array* list = parsed.table()["pattern"].as_array();
    if (parsed.table().size() != 1 || list == nullptr || list->size() != 1 ||
        !list->front().is_table())
      return say({}, "is not one table", "Write [[pattern]] on a line of its own");
    table_ = list->front().as_table();
    refuse_unknown_keys();
    read_texts();
    read_words();
    read_ports();
    read_payloads("matches", pattern_.matches);
    read_payloads("spares", pattern_.spares);
    check_together();
  }

 private:
  void refuse_unknown_keys() {
    for (const auto& [key, node] : *table_) {
      if (std::ranges::find(kKeys, key.str()) != kKeys.end()) continue;
      const std::string_view near = config::nearest(key.str(), kKeys);
      say(key.source().begin, fmt::format("{}: there is no such key", config::printable(key.str())),
          near.empty() ? "See the head of the shipped patterns.toml for the keys"
                       : fmt::format("Did you mean {}?", near));
    }
  }

  void read_texts() {
    read_text("id", pattern_.id, kIdBytesMax, true);
    constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (pattern_.id.find_first_not_of(kIdLetters) != std::string::npos) {
      say_of("id", "has letters that an id has not", "Write a-z, 0-9 and -");
      pattern_.id.clear();
    }
    read_text("tool", pattern_.tool, kIdBytesMax, false);
    read_text("service", pattern_.service, kIdBytesMax, false);
    read_text("description", pattern_.description, kTextBytesMax, true);
    read_text("expression", pattern_.expression, kExpressionBytesMax, true);
    if (pattern_.expression.find('\0') != std::string::npos)
      say_of("expression", "holds a zero byte", "Write it as \\x00");
  }

  void read_words() {
    pattern_.kind = word<Kind>("kind", kKindNames);
    pattern_.transport = word<Transport>("protocol", kTransportNames);
    pattern_.side = word<Side>("side", kSideNames);
    pattern_.severity = word<Severity>("severity", kSeverityNames);
    const toml::node* node = table_->get("flags");
    if (node == nullptr) return;
    const toml::array* list = node->as_array();
    if (list == nullptr) return say_of("flags", "is not a list", "Write [\"caseless\"]");
    for (const toml::node& each : *list) {
      const std::size_t at = place(each, kFlagNames);
      if (at == kFlagNames.size())
        say(each.source().begin, "flags: there is no such flag",
            fmt::format("Write any of: {}", fmt::join(kFlagNames, " ")));
      else
        pattern_.flags = static_cast<std::uint8_t>(pattern_.flags | 1u << at);
    }
  }

  void read_ports() {
    std::string text;
    read_text("ports", text, kTextBytesMax, false);
    base::Result<base::PortSet> ports = base::PortSet::parse(text);
    if (!ports.ok())
      return say_of("ports", ports.error().text, "Write \"21,2121\" or \"8000-8090\"");
    pattern_.ports = ports.value();
    pattern_.any_port = pattern_.ports.size() == 0;
  }

  void read_payloads(std::string_view key, std::vector<std::string>& payloads) {
    const toml::node* node = table_->get(key);
    const toml::array* list = node == nullptr ? nullptr : node->as_array();
    if (list == nullptr || list->empty() || list->size() > kPayloadsMax)
      return say_of(key, fmt::format("is not a list of 1 to {} payloads", kPayloadsMax),
                    fmt::format("Write {} = ['...'] with a payload that it {}", key,
                                key == "matches" ? "finds" : "leaves alone"));
    for (const toml::node& each : *list) {
      const auto text = each.value<std::string_view>();
      std::string bytes;
      if (!text || !unescape(*text, bytes))
        say(each.source().begin, fmt::format("{}: a payload cannot be read", key),
            "Write it in single quotes; \\r \\n \\t \\\\ \\' and \\xNN stand for bytes");
      else if (bytes.empty() || bytes.size() > kPayloadBytesMax)
        say(each.source().begin, fmt::format("{}: a payload of {} bytes", key, bytes.size()),
            fmt::format("Write 1 to {} bytes", kPayloadBytesMax));
      else
        payloads.push_back(std::move(bytes));
    }
  }

  void check_together() {
    if (!pattern_.expression.empty())
      if (const auto fault = expression_fault(pattern_))
        say_of("expression", *fault,
               "Write what Hyperscan takes: no look-around, no back references, no end anchor");
    if (pattern_.kind == Kind::scanner && pattern_.tool.empty())
      say_of("tool", "is missing, and a scanner has a name", "Write tool = \"nmap\"");
    if (!is_login(pattern_.kind)) return;
    if (pattern_.service.empty())
      say_of("service", "is missing, and a login is to a service", "Write service = \"ftp\"");
    if (pattern_.any_port)
      say_of("ports", "is empty, and logins are looked for on their service's ports alone",
             "Write ports = \"21\"");
  }

  void read_text(std::string_view key, std::string& value, std::size_t bytes_max, bool is_needed) {
    const toml::node* node = table_->get(key);
    if (node == nullptr) {
      if (is_needed) say_of(key, "is missing", fmt::format("Write {} = '...'", key));
      return;
    }
    const auto text = node->value_exact<std::string_view>();
    if (!text) return say_of(key, "is not a text", fmt::format("Write {} = '...'", key));
    if (text->size() > bytes_max)
      return say_of(key, fmt::format("has {} bytes", text->size()),
                    fmt::format("Write at most {}", bytes_max));
    if (text->empty() && is_needed)
      return say_of(key, "is empty", fmt::format("Write {} = '...'", key));
    value = *text;
  }

  static std::size_t place(const toml::node& node, std::span<const std::string_view> words) {
    const auto text = node.value_exact<std::string_view>();
    if (!text) return words.size();
    return static_cast<std::size_t>(std::ranges::find(words, *text) - words.begin());
  }

  template <class Enum>
  Enum word(std::string_view key, std::span<const std::string_view> words) {
    const toml::node* node = table_->get(key);
    const std::size_t at = node == nullptr ? words.size() : place(*node, words);
    if (at < words.size()) return static_cast<Enum>(at);
    say_of(key, node == nullptr ? "is missing" : "is none of its words",
           fmt::format("Write one of: {}", fmt::join(words, " ")));
    return {};
  }

  void say_of(std::string_view key, std::string_view fault, std::string remedy) {
    const toml::node* node = table_->get(key);
    const toml::source_position where =
        node == nullptr ? toml::source_position{} : node->source().begin;
    say(where, fmt::format("{}: {}", key, fault), std::move(remedy));
  }

  // `where` counts within the entry; without one, its first line is meant.
  void say(toml::source_position where, std::string fault, std::string remedy) {
    const unsigned line = source_.line + (where.line > 0 ? where.line - 1 : 0);
    const std::string name = pattern_.id.empty() ? "pattern" : fmt::format("\"{}\"", pattern_.id);
    problems_.push_back(
        {source_.file, line, where.column, name, std::move(fault), std::move(remedy)});
  }

  const PatternText& source_;
  Pattern& pattern_;
  std::vector<config::Problem>& problems_;
  const toml::table* table_ = nullptr;
};

}  // namespace

bool read_pattern(const PatternText& source, Pattern& pattern,
                  std::vector<config::Problem>& problems) {
  const std::size_t before = problems.size();
  Reader(source, pattern, problems).read();
  return problems.size() == before;
}

}  // namespace edgesentry::signature
