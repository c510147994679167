// Users, groups and capabilities that there are.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/capability.h"
#include "config/validate.h"

namespace edgesentry::config {
namespace {

using Problems = std::vector<Problem>;

constexpr std::size_t kEntryBytes = 16'384;

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// 4294967295 is (uid_t)-1, by which the kernel means "leave it as it is".
bool is_id(std::string_view digits) {
  std::uint32_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, fault] = std::from_chars(digits.data(), end, number);
  return fault == std::errc() && rest == end && number != std::numeric_limits<std::uint32_t>::max();
}

bool is_missing_user(const std::string& name) {
  std::array<char, kEntryBytes> text{};
  passwd entry{};
  passwd* found = nullptr;
  return getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found) == 0 &&
         found == nullptr;
}

bool is_missing_group(const std::string& name) {
  std::array<char, kEntryBytes> text{};
  group entry{};
  group* found = nullptr;
  return getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found) == 0 &&
         found == nullptr;
}

// A command is shown only with names that useradd(8) takes.
std::string remedy_for(std::string_view kind, const std::string& name) {
  const auto is_usual = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!std::ranges::all_of(name, is_usual) || name.front() == '-')
    return fmt::format("Write the name of a {} that there is", kind);
  return (kind == "user" ? "Create it with: useradd --system --no-create-home --shell "
                           "/usr/sbin/nologin "
                         : "Create it with: groupadd --system ") +
         name;
}

// `kind` is "user" or "group".
void check_account(const Origins& origins, const std::string& key, const std::string& name,
                   std::string_view kind, Problems& problems) {
  if (name.empty() || !origins.gives(key) || name == "automatic") return;
  if (is_number(name)) {
    if (!is_id(name))
      problems.push_back(
          about(origins, key, fmt::format("{} is the number of no {}", name, kind),
                fmt::format("Write a {}'s name, or a number up to 4294967294", kind)));
    return;
  }
  if (!(kind == "user" ? is_missing_user(name) : is_missing_group(name))) return;
  problems.push_back(about(origins, key, fmt::format("this machine has no {} \"{}\"", kind, name),
                           remedy_for(kind, name)));
}

}  // namespace

void validate_privilege(const Config& config, const Origins& origins, Problems& problems) {
  const Privilege& privilege = config.privilege;
  check_account(origins, "privilege.user", privilege.user, "user", problems);
  check_account(origins, "privilege.group", privilege.group, "group", problems);
  check_account(origins, "privilege.command_user", privilege.command_user, "user", problems);
  if (!origins.gives("privilege.capabilities")) return;
  for (const std::string& name : privilege.capabilities)
    if (!base::capability_number(name))
      problems.push_back(about(origins, "privilege.capabilities",
                               "there is no capability \"" + name + "\"",
                               "Write names of capabilities(7), for example [\"CAP_NET_RAW\"]"));
}

}  // namespace edgesentry::config
