// What stands where a file of the state should, looked at before anything is opened: opening a FIFO
// waits for ever, and a link leads to somebody else's file.
//
// Any thread. Only the last part of the path: folders may be reached through symbolic links.
#pragma once

#include <string>

namespace edgesentry::store {

// Empty: regular files, or nothing, stand there and where SQLite keeps its log, its index of it and
// its journal. Otherwise a sentence with place, fault and remedy.
[[nodiscard]] std::string not_a_file(const std::string& path);

// Empty: none of them has a second name. A file with one may be another's, that somebody put here.
[[nodiscard]] std::string second_name(const std::string& path);

}  // namespace edgesentry::store
