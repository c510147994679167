// Reads a file that holds a secret: a token, a private key.
//
// Refused, with what to do about it: a file that others than its owner could read or change, that
// belongs to neither root nor this process' user nor the one that it will become, whose folder
// others can write (they could put another file there), a symbolic link out of such a folder,
// anything but a regular file, an empty one, more than kSecretBytesMax. All facts are asked of the
// opened file, so that nobody can exchange it in between. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"

namespace edgesentry::config {

inline constexpr std::size_t kSecretBytesMax = 4096;

// The whole text; ends of lines are the caller's affair. `path` is absolute. `key` is what errors
// begin with ("api.token_file"). `heir`: the user that this process becomes, to whom it gives its
// folders and what lies in them; that user has the secret in memory then, whoever owns the file.
[[nodiscard]] base::Result<std::string> read_secret_file(const std::string& key,
                                                         const std::string& path,
                                                         std::optional<uid_t> heir = std::nullopt);

}  // namespace edgesentry::config
