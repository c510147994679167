#include "config/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/fields.h"
#include "config/render.h"
#include "config/sections.h"
#include "config/statements.h"

namespace edgesentry::config {
namespace {

// Each costs a parse of the whole text; a file with more is not a configuration.
constexpr std::size_t kSyntaxProblemsMax = 40;
// Each part of a dotted key is a table within a table; the parser's and the tree's recursion must
// stay small whatever is in the file. No key has more than two.
constexpr unsigned kDotsMax = 32;
constexpr std::size_t kDescriptionMax = 160;

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

bool is_section(std::string_view name) {
  return std::ranges::any_of(sections(), [&](const Section& s) { return s.name == name; });
}

std::string canonical_header(std::string_view name) {
  return name == "segment" ? "[[segment]]" : fmt::format("[{}]", name);
}

// The section a line stands in: "detect", "segment[1]", or empty.
std::string section_at(const std::vector<std::string>& lines, std::size_t at) {
  std::string section;
  int segments = 0;
  StatementScanner scanner;
  for (std::size_t i = 0; i < at; ++i) {
    if (!scanner.is_open() && is_header(lines[i])) {
      section = header_name(lines[i]);
      if (section == "segment") section += fmt::format("[{}]", segments++);
    }
    scanner.feed(lines[i]);
  }
  return section;
}

// What is written twice is still known from the first time.
bool says_redefined(std::string_view fault) {
  return fault.find("redefine") != std::string_view::npos;
}

// The parser's words with the text they are about: `1h cannot be read: expected digit, saw 'h'`.
std::string plain_fault(std::string_view line, std::string_view fault) {
  constexpr std::string_view kOpening = "Error while parsing ";
  const std::size_t colon = fault.find(": ");
  if (fault.starts_with(kOpening) && colon != std::string_view::npos)
    fault.remove_prefix(colon + 2);
  const std::string value = printable(value_text(line));
  if (key_name(line).empty()) return fmt::format("this line cannot be read: {}", fault);
  if (value.empty()) return "has no value";
  return fmt::format("{} cannot be read: {}", value, fault);
}

class Recovery {
 public:
  Recovery(std::string_view text, const std::string& name, Document& document)
      : lines_(split_lines(text)), name_(name), document_(document) {}

  void run() {
    refuse_deep_keys();
    for (std::size_t tries = 0; tries < kSyntaxProblemsMax; ++tries) {
      // The one place where the parser's exceptions end.
      try {
        const std::string text = join_lines(lines_);
        document_.root = toml::parse(std::string_view(text), std::string_view(name_));
        return;
      } catch (const toml::parse_error& error) {
        take_out(error);
      }
    }
    say(0, 0, "", "has more syntax errors than are shown", "Mend those above and check again");
    document_.spoiled.insert("");
  }

 private:
  void refuse_deep_keys() {
    StatementScanner scanner;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      scanner.feed(lines_[i]);
      if (scanner.dots() <= kDotsMax) continue;
      say(i, 0, "", "a key of too many parts", "Write [section], and key = value below it");
      lines_[i].clear();
    }
  }

  void take_out(const toml::parse_error& error) {
    const toml::source_position where = error.source().begin;
    const std::size_t at =
        std::min<std::size_t>(where.line == 0 ? 0 : where.line - 1, lines_.size() - 1);
    const std::string fault = printable(error.description(), kDescriptionMax);
    const Statement statement = statement_around(lines_, at);
    if (!statement.is_unclosed && is_header(lines_[statement.first]))
      return mend_header(statement.first, where.column, fault);

    const std::string section = section_at(lines_, statement.first);
    const std::string_view name = key_name(lines_[statement.first]);
    const std::string key =
        name.empty() || section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
    if (statement.is_unclosed) {
      say(statement.first, 1, key, "a bracket or quote is opened and not closed",
          "Close it before the next key");
    } else if (says_redefined(fault) && !key.empty()) {
      say(at, where.column, key, "is given a second time", "Keep one of the two");
    } else {
      say(at, where.column, key, plain_fault(lines_[at], fault), remedy_for(key));
    }
    if (!key.empty() && !says_redefined(fault)) document_.spoiled.insert(key);
    for (std::size_t i = statement.first; i < statement.last; ++i) lines_[i].clear();
  }

  // Keys below a header that cannot be read would be taken for those of the section before, so the
  // header is mended where it can be guessed, and its section left out where not.
  void mend_header(std::size_t at, unsigned column, const std::string& fault) {
    const std::string name(header_name(lines_[at]));
    const std::string mended = canonical_header(name);
    const bool is_known = is_section(name) && !name.empty();
    const bool is_second = says_redefined(fault);
    if (is_second) {
      say(at, column, name, "stands a second time", "Put its keys under the first");
    } else {
      say(at, column, name, plain_fault(lines_[at], fault),
          "Write " + (is_known ? mended : "[section]"));
    }
    if (is_known && lines_[at] != mended && !is_second) {
      lines_[at] = mended;
      return;
    }
    document_.spoiled.insert(name);
    lines_[at].clear();
    for (std::size_t i = at + 1; i < lines_.size() && !is_header(lines_[i]); ++i) lines_[i].clear();
  }

  static std::string remedy_for(std::string_view key) {
    const std::string plain =
        key.starts_with("segment[") ? fmt::format("segment.{}", name_of(key)) : std::string(key);
    const Field* field = find_field(plain);
    return field == nullptr ? "Write [section], or key = value with texts in quotes"
                            : what_to_write(*field);
  }

  void say(std::size_t line, unsigned column, std::string key, std::string fault,
           std::string remedy) {
    document_.problems.push_back({name_, static_cast<unsigned>(line + 1), column, printable(key),
                                  std::move(fault), std::move(remedy)});
  }

  std::vector<std::string> lines_;
  const std::string& name_;
  Document& document_;
};

}  // namespace

Document parse_document(std::string_view text, const std::string& name) {
  Document document;
  Recovery(text, name, document).run();
  return document;
}

}  // namespace edgesentry::config
