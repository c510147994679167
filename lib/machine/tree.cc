#include "machine/tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace edgesentry::machine {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::int64_t> to_number(std::string_view text, int base) {
  text = trimmed(text);
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!(text = trimmed(text)).empty()) {
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::string_view value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    if (row.starts_with(key) && row.size() > key.size()) {
      const std::string_view rest = trimmed(row.substr(key.size()));
      if (rest.starts_with(':')) return trimmed(rest.substr(1));
      if (kBlanks.find(row[key.size()]) != std::string_view::npos) return rest;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

std::optional<std::string> Tree::text(std::string_view path) const {
  // O_NONBLOCK: a pipe in the place of a file must not hold whoever looks.
  const int file = ::open(real(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  std::string out;
  std::array<char, 4096> some;
  ssize_t got = 0;
  while (out.size() < kTextMax && (got = ::read(file, some.data(), some.size())) > 0)
    out.append(some.data(), static_cast<std::size_t>(got));
  ::close(file);
  if (got < 0) return std::nullopt;
  out.resize(std::min(out.size(), kTextMax));
  return out;
}

std::optional<std::string> Tree::line(std::string_view path) const {
  const auto all = text(path);
  if (!all) return std::nullopt;
  constexpr std::size_t kLineMax = 4096;
  std::string out(trimmed(std::string_view(*all).substr(0, std::min(all->find('\n'), kLineMax))));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return out;
}

std::optional<std::int64_t> Tree::number(std::string_view path) const {
  const auto all = text(path);
  return all ? to_number(*all) : std::nullopt;
}

std::vector<std::string> Tree::names(std::string_view folder) const {
  std::vector<std::string> out;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(real(folder), failed), end;
       !failed && entry != end && out.size() < kEntriesMax; entry.increment(failed))
    out.push_back(entry->path().filename().string());
  std::ranges::sort(out);
  return out;
}

bool Tree::has(std::string_view path) const {
  std::error_code failed;
  return std::filesystem::exists(real(path), failed) && !failed;
}

std::optional<std::string> Tree::link(std::string_view path) const {
  std::error_code failed;
  const std::filesystem::path target = std::filesystem::read_symlink(real(path), failed);
  if (failed) return std::nullopt;
  return target.filename().string();
}

}  // namespace edgesentry::machine
