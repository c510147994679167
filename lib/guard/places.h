// Files and folders that are needed after the process has become another user: handed over while it
// still may, and tried out as that user.
//
// Handed over is what root owns and is ours without doubt: folders called edgesentry (those of the
// unit) or made here, files in them, and files that the configuration names for writing. Never a
// folder that leads to what is only read or kept, never through a symbolic link that others could
// have set (guard/walk.h), never out of a folder that others can write, never a file with a second
// name. Everything else stays as it is, and what the user could not use is told with what to do:
// a disk that only reads, or not even that, is a fault like another.
// Called by main, which changes its own thread's file user for a moment.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "guard/account.h"

namespace edgesentry::guard {

enum class Use {
  read,    // a file, and its folder, because editors put new files in its place
  write,   // a file that is written, made and made again
  folder,  // a folder in which files are made
  remove,  // a file that is removed at the end
  keep,    // a file that stays as it is: what root runs or reads at the next start
};

struct Needed {
  std::string key;   // of the configuration: "log.json_file"
  std::string path;  // absolute; empty: nothing
  Use use = Use::read;
};

// Makes the last folder of a place that is written when it is missing.
void hand_over(const Account& account, std::span<const Needed> places);

// A sentence for each place that is written where everybody can put another file.
[[nodiscard]] std::vector<std::string> open_to_all(std::span<const Needed> places);

struct OutOfReach {
  std::string text;         // place, fault and remedy
  bool is_written = false;  // an output, without which the appliance can do its work
};

// What hand_over() would give, and what of the files in a folder of these it would leave alone.
struct Gifts {
  std::set<std::string> given;
  std::set<std::string> left;
};
[[nodiscard]] Gifts would_hand_over(const Account& account, std::span<const Needed> places);

// One for each place that the account cannot use as it has to. `gifts`: as if they had been made.
[[nodiscard]] std::vector<OutOfReach> out_of_reach(const Account& account,
                                                   std::span<const Needed> places,
                                                   const Gifts& gifts = {});

}  // namespace edgesentry::guard
