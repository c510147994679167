// The one table of configuration keys: path, type, unit, range, default, whether a reload takes it,
// one line of help, an example. The parser, `edgesentry check`, `edgesentry config`, the reload
// rules and docs/configuration.md all read it, so a key that is not here does not exist.
//
// Defaults are the initial values of config.h, read through `slot`; they stand nowhere else.
// Constant data; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace edgesentry::config {

// Where a key's value lives in the tree. Its type decides how the key is read and printed.
template <class T>
using In = T& (*)(Config&);
using Slot = std::variant<
    In<bool>, In<std::uint8_t>, In<std::uint16_t>, In<std::uint32_t>, In<double>, In<std::string>,
    In<std::vector<std::string>>, In<std::vector<std::uint16_t>>, In<std::chrono::seconds>,
    In<std::chrono::milliseconds>, In<std::vector<std::chrono::seconds>>, In<base::PortSet>,
    In<std::vector<base::Prefix>>, In<std::vector<Service>>, In<Mode>, In<Placement>, In<Idle>,
    In<Hugepages>, In<VerifyMode>, In<NeededProof>, In<Nftables>, In<Xdp>, In<RteFlow>, In<AtStop>,
    In<TableFull>, In<RingFull>, In<NoBuffers>, In<RulesFull>, In<ControlStalled>,
    In<WorkerStalled>, In<DiskFull>, In<LinkDown>, In<Seccomp>, In<Landlock>,
    std::string Segment::*>;  // one of the array of tables [[segment]]

// Numbers and list items in the key's unit, durations in milliseconds, texts in bytes,
// probabilities (double) in billionths.
struct Range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

struct Field {
  std::string_view key;  // "detect.window"; "segment.inside" for every [[segment]]
  Slot slot;
  std::string_view unit = {};  // "sources", "MiB"; empty where the type says it
  Range range = {};            // {0, 0}: the type has no range
  bool restart = false;        // a change waits for the next start
  std::string_view help;
  std::string_view example;                      // as it stands behind "key = "
  std::span<const std::string_view> words = {};  // of an enumeration, in its order
};

// In the order of the reference page: keys of one section stand together.
std::span<const Field> fields();

// nullptr when there is no such key. Keys of [[segment]] are looked up as "segment.inside".
const Field* find_field(std::string_view key);

}  // namespace edgesentry::config
