// Reads a file that holds a secret: a token, a private key.
//
// Refused, with what to do about it: a file that others than its owner could read or change, that
// belongs to neither root nor this process' user, whose folder others can write (they could put
// another file there), a symbolic link out of such a folder, anything but a regular file, an empty
// one, more than kSecretBytesMax. All facts are asked of the opened file, so that nobody can
// exchange it in between. Any thread.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace edgesentry::config {

inline constexpr std::size_t kSecretBytesMax = 4096;

// The whole text; ends of lines are the caller's affair. `path` is absolute. `key` is what errors
// begin with ("api.token_file").
[[nodiscard]] base::Result<std::string> read_secret_file(const std::string& key,
                                                         const std::string& path);

}  // namespace edgesentry::config
