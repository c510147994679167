#include "guard/account.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

namespace edgesentry::guard {
namespace {

constexpr std::size_t kEntryBytes = 1 << 16;
constexpr int kGroupsMax = 64;

// (uid_t)-1 means "leave it" to the kernel.
std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size() || number == UINT32_MAX)
    return std::nullopt;
  return number;
}

struct User {
  uid_t user;
  gid_t group;
  std::string name;
};

std::optional<User> find_user(const std::string& name) {
  std::vector<char> text(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  const auto number = number_of(name);
  const int fault = number ? ::getpwuid_r(*number, &entry, text.data(), text.size(), &found)
                           : ::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
  if (fault != 0 || found == nullptr) return std::nullopt;
  return User{entry.pw_uid, entry.pw_gid, entry.pw_name};
}

std::optional<gid_t> find_group(const std::string& name) {
  if (const auto number = number_of(name)) return *number;
  std::vector<char> text(kEntryBytes);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return entry.gr_gid;
}

std::vector<gid_t> groups_of(const User& user) {
  std::vector<gid_t> groups(kGroupsMax);
  int count = kGroupsMax;
  ::getgrouplist(user.name.c_str(), user.group, groups.data(), &count);
  groups.resize(static_cast<std::size_t>(std::min(count, kGroupsMax)));
  return groups;
}

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

base::Error no_account(const std::string& kind, const std::string& name,
                       const std::string& command) {
  if (is_number(name))
    return base::Error{fmt::format(
        "{} is the number of no {}; write a name, or a number up to 4294967294", name, kind)};
  return base::Error{
      fmt::format("this machine has no {} \"{}\"; make it with: {} {}", kind, name, command, name)};
}

}  // namespace

base::Result<Account> find_account(const std::string& user, const std::string& group) {
  Account account{.name = user};
  if (const auto found = find_user(user)) {
    account.user = found->user;
    account.group = found->group;
    account.groups = groups_of(*found);
  } else if (const auto number = number_of(user)) {
    account.user = *number;
    account.group = *number;
  } else {
    return no_account("user", user, "useradd --system --no-create-home --shell /usr/sbin/nologin");
  }
  if (group.empty()) return account;
  const auto found = find_group(group);
  if (!found) return no_account("group", group, "groupadd --system");
  account.group = *found;
  return account;
}

bool has_account(const std::string& user) {
  return find_user(user).has_value();
}

}  // namespace edgesentry::guard
