// Just enough of TOML's grammar to find where a statement begins and ends in text that does not
// parse. Private to this folder; see document.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace edgesentry::config {

// Follows strings, comments and brackets from line to line.
class StatementScanner {
 public:
  void feed(std::string_view line);
  [[nodiscard]] bool is_open() const { return depth_ > 0 || quote_ != 0; }
  [[nodiscard]] unsigned dots() const { return dots_; }  // outside strings, of the last line

 private:
  std::size_t skip_string(std::string_view line, std::size_t at);
  std::size_t leave_long_string(std::string_view line, std::size_t at);

  int depth_ = 0;
  char quote_ = 0;  // the kind of long string ("""...""" or '''...''') that is open
  unsigned dots_ = 0;
};

bool is_header(std::string_view line);             // "[detect", "[[segment]]"
bool looks_like_statement(std::string_view line);  // a header, or "key ="
std::string_view header_name(std::string_view line);
std::string_view key_name(std::string_view line);    // empty when there is no "key ="
std::string_view value_text(std::string_view line);  // behind the first "=", without blanks

// Lines [first, last) of the statement that a parser stumbled over at line `at` (all from 0).
struct Statement {
  std::size_t first;
  std::size_t last;
  bool is_unclosed;  // the parser ran into the next statement while this one was open
};
Statement statement_around(const std::vector<std::string>& lines, std::size_t at);

}  // namespace edgesentry::config
