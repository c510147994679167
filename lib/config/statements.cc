#include "config/statements.h"

#include <algorithm>

namespace edgesentry::config {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_key_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

std::string_view leading_word(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_key_letter(text[length])) ++length;
  return text.substr(0, length);
}

bool starts_long(std::string_view line, std::size_t at) {
  return line.substr(at, 3) == std::string_view("\"\"\"") || line.substr(at, 3) == "'''";
}

}  // namespace

void StatementScanner::feed(std::string_view line) {
  dots_ = 0;
  const bool header = !is_open() && is_header(line);
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (quote_ != 0) {
      at = leave_long_string(line, at);
      continue;
    }
    const char c = line[at];
    if (c == '#') return;
    if (c == '"' || c == '\'') {
      at = skip_string(line, at);
    } else if (c == '.') {
      ++dots_;
    } else if (!header && (c == '[' || c == '{')) {
      ++depth_;
    } else if (!header && (c == ']' || c == '}')) {
      depth_ = std::max(0, depth_ - 1);
    }
  }
}

// Both return where the string's last character stands, or the line's.
std::size_t StatementScanner::skip_string(std::string_view line, std::size_t at) {
  const char mark = line[at];
  if (starts_long(line, at)) {
    quote_ = mark;
    return at + 2;
  }
  for (++at; at < line.size() && line[at] != mark; ++at)
    if (mark == '"' && line[at] == '\\') ++at;
  return at;
}

std::size_t StatementScanner::leave_long_string(std::string_view line, std::size_t at) {
  for (; at < line.size(); ++at) {
    if (quote_ == '"' && line[at] == '\\') {
      ++at;
    } else if (line[at] == quote_ && starts_long(line, at)) {
      quote_ = 0;
      return at + 2;
    }
  }
  return at;
}

bool is_header(std::string_view line) {
  return trim(line).starts_with('[');
}

bool looks_like_statement(std::string_view line) {
  if (!key_name(line).empty()) return true;
  const std::string_view text = trim(line);
  return text.starts_with('[') && text.ends_with(']') && !header_name(text).empty();
}

std::string_view header_name(std::string_view line) {
  std::string_view text = trim(line);
  while (text.starts_with('[') || text.starts_with(' ')) text.remove_prefix(1);
  return leading_word(text);
}

std::string_view key_name(std::string_view line) {
  const std::string_view text = trim(line);
  const std::string_view word = leading_word(text);
  return trim(text.substr(word.size())).starts_with('=') ? word : std::string_view{};
}

std::string_view value_text(std::string_view line) {
  const std::size_t equals = line.find('=');
  return equals == std::string_view::npos ? std::string_view{} : trim(line.substr(equals + 1));
}

Statement statement_around(const std::vector<std::string>& lines, std::size_t at) {
  StatementScanner scanner;
  std::size_t first = 0;
  for (std::size_t i = 0; i < at; ++i) {
    if (!scanner.is_open()) first = i;
    scanner.feed(lines[i]);
  }
  const bool was_open = scanner.is_open();
  if (!was_open) first = at;
  if (was_open && looks_like_statement(lines[at])) {
    std::size_t last = first + 1;
    while (last < at && !looks_like_statement(lines[last])) ++last;
    return {first, last, true};
  }
  scanner.feed(lines[at]);
  std::size_t last = at + 1;
  for (; last < lines.size() && scanner.is_open() && !looks_like_statement(lines[last]); ++last)
    scanner.feed(lines[last]);
  return {first, last, false};
}

}  // namespace edgesentry::config
