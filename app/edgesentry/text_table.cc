#include "text_table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace edgesentry::cli {
namespace {

constexpr std::array<std::string_view, 6> kCodes = {"", "2", "1", "32", "33", "31"};  // ECMA-48 SGR

// Of characters, not bytes: continuation bytes of UTF-8 take no column.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

bool wants_colour(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return isatty(descriptor) == 1 && (refused == nullptr || *refused == '\0') &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::string coloured(std::string_view text, Colour colour, bool wanted) {
  if (!wanted || colour == Colour::none || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(colour)], text);
}

unsigned columns_of(int descriptor) {
  winsize size{};
  return isatty(descriptor) == 1 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string TextTable::to_string(bool with_colour, unsigned indent) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(width_of(column.title));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i].text));

  std::string out;
  const auto print = [&](const std::vector<Cell>& row) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size() && i < columns_.size(); ++i) {
      const std::string blanks(widths[i] - width_of(row[i].text), ' ');
      if (columns_[i].to_the_right) line += blanks;
      line += coloured(row[i].text, row[i].colour, with_colour);
      if (!columns_[i].to_the_right) line += blanks;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.push_back({column.title, Colour::dim});
  print(titles);
  for (const auto& row : rows_) print(row);
  return out;
}

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string rounded(double number) {
  constexpr std::array<std::string_view, 5> kSuffixes = {"", " k", " M", " G", " T"};
  std::size_t power = 0;
  while (number >= 1000 && power + 1 < kSuffixes.size()) {
    number /= 1000;
    ++power;
  }
  return fmt::format("{:.{}f}{}", number, power == 0 || number >= 100 ? 0 : 1, kSuffixes[power]);
}

std::string in_bytes(std::uint64_t bytes) {
  const std::string text = rounded(static_cast<double>(bytes));
  return fmt::format("{}{}", text, text.find(' ') == std::string::npos ? " B" : "B");
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

}  // namespace edgesentry::cli
