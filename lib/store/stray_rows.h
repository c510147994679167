// Rows of the table `source` that stand on whole pages to which no page leads any more: the first
// page, or one on the way, is damaged or cut off. SQLite cannot reach them; they are read as they
// stand in the file. Private to store.
//
// Pure. Format: https://sqlite.org/fileformat2.html, sections 1.6 and 2.1. The bytes are hostile.
// What was deleted is not found again: the store has SQLite overwrite it (PRAGMA secure_delete).
// Rows of more than a quarter of a page, with reasons of some 900 letters, are passed over.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/record.h"

namespace edgesentry::store {

[[nodiscard]] std::vector<Record> stray_rows(std::span<const std::uint8_t> file);

}  // namespace edgesentry::store
