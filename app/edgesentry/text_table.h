// Columns of text, aligned for people: widths by content, numbers to the right, colours only where
// the reader's terminal takes them. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace edgesentry::cli {

enum class Colour : std::uint8_t { none, dim, bold, green, yellow, red };

// True for a terminal, unless NO_COLOR is set to anything (no-color.org) or TERM is "dumb".
[[nodiscard]] bool wants_colour(int descriptor);
[[nodiscard]] std::string coloured(std::string_view text, Colour colour, bool wanted);
// Of the terminal behind the descriptor; 0: none.
[[nodiscard]] unsigned columns_of(int descriptor);

struct Cell {
  std::string text;
  Colour colour = Colour::none;
};

class TextTable {
 public:
  struct Column {
    std::string title;
    bool to_the_right = false;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // Every line is indented and ends in a newline; nothing stands behind a line's last word.
  [[nodiscard]] std::string to_string(bool with_colour, unsigned indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// 1234567 -> "1,234,567"; 1536 -> "1.5 kB" in powers of 1000; 12345678 -> "12.3 M".
[[nodiscard]] std::string grouped(std::uint64_t number);
[[nodiscard]] std::string in_bytes(std::uint64_t bytes);
[[nodiscard]] std::string rounded(double number);
[[nodiscard]] std::string counted(std::uint64_t number,
                                  std::string_view noun);  // "1 scan", "2 scans"
// Control characters become '?': what a file or a daemon says must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace edgesentry::cli
