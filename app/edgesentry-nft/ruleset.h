// What the own tables are to hold, in libnftables' JSON: a program that creates it, and a test
// whether a listing shows it. Pure, any thread.
//
// Each table has the sets blocked4 and blocked6 (exact, each element with a time limit), and chains
// whose rules count and drop what comes from an element of a set. There is no interval set: nothing
// blocks a network, and in a set of intervals a single element costs a walk through all of it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "enforce/nft_protocol.h"

namespace edgesentry::nft {

using Json = nlohmann::json;

inline constexpr const char* kTableName = "edgesentry";

struct Settings {
  bool has_inet = false;             // table inet: hooks input and forward
  std::vector<std::string> devices;  // table netdev: hook ingress of each that there is
  std::uint8_t ipv6_prefix = 64;
};

// A device that is missing has index 0 and no chain until it is there.
struct Device {
  std::string name;
  unsigned index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

[[nodiscard]] std::vector<std::string> families(const Settings& settings);

// Objects as nft lists them, without handles and counts.
[[nodiscard]] std::vector<Json> wanted(const Settings& settings, const std::string& family,
                                       std::span<const Device> devices);

// Creates what is missing and writes the chains anew; elements stay.
[[nodiscard]] Json creation(std::span<const Json> wanted);
[[nodiscard]] Json deletion(const std::string& family);
// False for a listing in which our table of the family has anything more, less or else.
[[nodiscard]] bool shows(const Json& listing, const std::string& family,
                         std::span<const Json> wanted);

// True for a listing in which the table of our name holds what some configuration of this program
// makes, and nothing else: then an earlier run left it.
[[nodiscard]] bool shows_earlier(const Json& listing, const std::string& family);

// Packets that the rules of our table of the family have dropped.
[[nodiscard]] std::uint64_t counted(const Json& listing, const std::string& family);

// All in one transaction. Each element is made afresh, whether it was there or not: that is how the
// kernel takes a new time limit, and the only deletion that an absent element does not fail.
[[nodiscard]] std::string batch(std::span<const std::string> families,
                                std::span<const enforce::NftElement> elements);

}  // namespace edgesentry::nft
