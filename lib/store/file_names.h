// Names of files beside a database: where a damaged one goes. Private to store.
#pragma once

#include <string>

namespace edgesentry::store {

// The first of path.damaged, path.damaged.2, ... that is free.
[[nodiscard]] std::string name_aside(const std::string& path);

// Moves it to the first free name of path.damaged, path.damaged.2, ...; SQLite's log goes along.
// Empty: it could not be moved.
[[nodiscard]] std::string move_aside(const std::string& path);

}  // namespace edgesentry::store
