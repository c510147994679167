// Who a process can become: a user of this machine by name or number, with a group.
//
// Numbers need no entry in the user database. Reads the databases; before the process gives up
// anything. Any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace edgesentry::guard {

struct Account {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // supplementary
  std::string name;           // as it was asked for
};

// Empty: there is no such user. `group` empty: the user's own; a number without an entry has the
// group of the same number.
[[nodiscard]] base::Result<Account> find_account(const std::string& user, const std::string& group);

[[nodiscard]] bool has_account(const std::string& user);

}  // namespace edgesentry::guard
