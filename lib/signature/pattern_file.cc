#include "signature/pattern_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "config/read_file.h"
#include "config/render.h"
#include "signature/pattern_reader.h"

namespace edgesentry::signature {
namespace {

constexpr std::size_t kFileBytesMax = 1024 * 1024;
constexpr std::size_t kPatternsMax = 1024;
constexpr std::string_view kHeader = "[[pattern]]";

// A line of blanks and comments does not belong to an entry; neither does it to none.
bool is_idle(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos || line[first] == '#';
}

bool opens_pattern(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line.substr(first).starts_with(kHeader);
}

class FileReader {
 public:
  FileReader(std::string_view text, PatternFile& file) : text_(text), file_(file) {}

  void read() {
    std::size_t at = 0, entry = 0;
    unsigned line = 1, entry_line = 0;
    while (at < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at), text_.size() - 1) + 1;
      const std::string_view whole = text_.substr(at, end - at);
      if (opens_pattern(whole)) {
        if (entry_line != 0) take(text_.substr(entry, at - entry), entry_line);
        entry = at;
        entry_line = line;
      } else if (entry_line == 0 && !is_idle(whole)) {
        say(line, "stands before the first [[pattern]]", "Write it below a [[pattern]]");
        return;
      }
      at = end;
      ++line;
    }
    if (entry_line != 0) take(text_.substr(entry), entry_line);
    if (entry_line == 0 && file_.problems.empty())
      say(0, "holds no pattern", "Write [[pattern]] and its keys, or copy the shipped file");
  }

 private:
  void take(std::string_view text, unsigned line) {
    if (++entries_ > kPatternsMax) {
      if (entries_ == kPatternsMax + 1)
        say(line, fmt::format("is the pattern after the {}th", kPatternsMax),
            "Leave out patterns that are not needed");
      return;
    }
    Pattern pattern;
    pattern.line = line;
    if (!read_pattern({text, line, file_.name}, pattern, file_.problems)) return;
    const auto [known, is_new] = lines_.emplace(pattern.id, line);
    if (!is_new) {
      say(line, fmt::format("\"{}\" is also the id at line {}", pattern.id, known->second),
          "Give each pattern an id of its own");
      return;
    }
    file_.patterns.push_back(std::move(pattern));
  }

  void say(unsigned line, std::string fault, std::string remedy) {
    file_.problems.push_back({file_.name, line, 0, "", std::move(fault), std::move(remedy)});
  }

  std::string_view text_;
  PatternFile& file_;
  std::size_t entries_ = 0;
  std::map<std::string, unsigned, std::less<>> lines_;  // where an id was given first
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool unescape(std::string_view text, std::string& bytes) {
  constexpr std::string_view kLetters = "rnt\\'", kBytes = "\r\n\t\\'";
  bytes.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    if (++i == text.size()) return false;
    if (const std::size_t letter = kLetters.find(text[i]); letter != std::string_view::npos) {
      bytes += kBytes[letter];
      continue;
    }
    if (text[i] != 'x' || i + 2 >= text.size()) return false;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    bytes += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return true;
}

PatternFile parse_patterns(std::string_view text, const std::string& name) {
  PatternFile file;
  file.name = name;
  file.fingerprint = fingerprint(text);
  if (text.size() > kFileBytesMax) {
    file.problems.push_back({name, 0, 0, "", "is larger than 1024 KiB",
                             "Give the path of a pattern file, such as the shipped patterns.toml"});
    return file;
  }
  FileReader(text, file).read();
  config::put_in_order(file.problems);
  return file;
}

PatternFile load_patterns(const std::string& path) {
  config::FileText read = config::read_file(path, kFileBytesMax);
  if (!read.problem) return parse_patterns(read.text, path);
  PatternFile file;
  file.name = path;
  file.problems.push_back(std::move(*read.problem));
  return file;
}

}  // namespace edgesentry::signature
