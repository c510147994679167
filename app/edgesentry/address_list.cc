#include "address_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string_view>
#include <utility>

#include "base/ip.h"

namespace edgesentry::cli {
namespace {

constexpr std::size_t kBytesMax = 64u << 20;
constexpr std::size_t kFaultsShown = 10;
constexpr std::size_t kShownMax = 48;  // of a line that is no address

base::Result<std::string> read_whole(std::istream& in, const std::string& name) {
  std::string text;
  std::array<char, 65'536> piece;
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kBytesMax)
      return base::Error{
          fmt::format("{} is longer than {} MiB; name the file that was meant, or divide it", name,
                      kBytesMax >> 20)};
  }
  if (in.bad()) return base::Error{fmt::format("{}: {}", name, std::strerror(errno))};
  return text;
}

base::Result<std::string> read_text(const std::string& path, const std::string& name) {
  if (path == "-") return read_whole(std::cin, name);
  std::error_code fault;
  if (std::filesystem::is_directory(path, fault))
    return base::Error{path + " is a folder; name a file in it, with one address a line"};
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return base::Error{
        fmt::format("{}: {}; name a file with one address a line, or - for standard "
                    "input",
                    path, std::strerror(errno))};
  return read_whole(file, name);
}

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, kShownMax));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return fmt::format("'{}{}'", out, text.size() > kShownMax ? "..." : "");
}

// Empty, or what is wrong with the line.
std::string fault_of(const AddressLine& line, std::map<std::string, std::size_t>& seen) {
  const auto prefix = base::Prefix::parse(line.text);
  if (!prefix)
    return shown(line.text) +
           " is no address; write one such as 192.0.2.7 or 2001:db8::/64, or put a # in front";
  const auto [first, is_new] = seen.emplace(prefix->to_string(), line.number);
  if (is_new) return {};
  return fmt::format("{} stands in line {} already; take one of them out", line.text,
                     first->second);
}

}  // namespace

void ListFaults::add(const std::string& name, std::size_t line, const std::string& fault) {
  if (++count_ <= kFaultsShown) text_ += fmt::format("\n{}:{}: {}", name, line, fault);
}

base::Error ListFaults::error(const AddressList& list, const std::string& consequence) const {
  std::string text = fmt::format("{}: {} of {} addresses will not do, and {}", list.name, count_,
                                 list.lines.size(), consequence);
  text += text_;
  if (count_ > kFaultsShown) text += fmt::format("\nand {} more", count_ - kFaultsShown);
  return base::Error{std::move(text)};
}

base::Result<AddressList> read_addresses(const std::string& path) {
  AddressList list{path == "-" ? "standard input" : path, {}};
  const auto text = read_text(path, list.name);
  if (!text) return text.error();
  std::string_view rest = text.value();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (const std::string_view line = trimmed(rest.substr(0, end)); !line.empty())
      list.lines.push_back({number, std::string(line)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (list.lines.empty())
    return base::Error{list.name + " names no address; write one a line, such as 192.0.2.7"};
  ListFaults faults;
  std::map<std::string, std::size_t> seen;
  for (const AddressLine& line : list.lines)
    if (const std::string fault = fault_of(line, seen); !fault.empty())
      faults.add(list.name, line.number, fault);
  if (faults.count() > 0) return faults.error(list, "nothing was changed");
  return list;
}

}  // namespace edgesentry::cli
