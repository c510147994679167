// SQLite's log, read by ourselves before SQLite opens it: it ends its reading at the first page
// whose checksum is wrong and says nothing of those behind it, which hold acknowledged blocks.
// Also reads a log where SQLite cannot, for want of a place for its index. Private to store.
//
// Pure but for reading the file and its log; neither is changed. Format:
// https://sqlite.org/fileformat2.html, section 4. What a killed process was just writing is no
// damage: only pages of this log that stand behind one that cannot be read are, and a bad header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/rows.h"

namespace edgesentry::store {

struct LogImage {
  bool is_damaged = false;
  bool is_cut = false;       // ends in the middle of a page, as no write does
  std::uint64_t unread = 0;  // pages of the log that are lost
  std::uint64_t beyond = 0;  // whole ones behind the first lost one, of which SQLite knows nothing
  std::uint64_t frames = 0;  // that can be read in order
  std::vector<std::uint8_t> file;       // as it is, without the log
  std::vector<std::uint8_t> committed;  // with what the log holds up to the damage
  std::vector<std::uint8_t> rescued;    // with every whole page of the log
};

// Without the three images unless `with_images`, or when there is damage.
[[nodiscard]] LogImage look_at_log(const std::string& path, bool with_images = false);

// What the images have, the newest first; older ones help out where a newer one has gaps.
[[nodiscard]] Rows rows_of(LogImage& image, const std::string& path);
// Adds rows that stand in the file and its log, and that SQLite could not reach.
void add_stray_rows(const std::string& path, Rows& rows);

}  // namespace edgesentry::store
