// Directions of connections that were looked at as far as they will be: a long transfer costs one
// read for each packet, and holds no place among the streams.
//
// With a new turn in the conversation it is looked at again: what it sends then acknowledges
// something else, because the other side has spoken.
//
// Each has one place by its key, and loses it to whoever comes next: then it is looked at anew, no
// worse. A connection that follows later between the same two ports starts at another sequence
// number, and is a new one.
//
// One owner. All memory is taken when it is made.
#pragma once

#include <cstdint>
#include <vector>

#include "signature/flow_table.h"

namespace edgesentry::signature {

class SpentFlows {
 public:
  static constexpr std::size_t kPlaces = 1u << 13;

  SpentFlows() : places_(kPlaces) {}

  [[nodiscard]] bool contains(FlowKey flow, std::uint32_t sequence) noexcept {
    Place& place = place_of(flow);
    if (!place.is_used || place.tag != tag_of(flow)) return false;
    // Repeated bytes stand before, the next ones behind.
    const std::uint32_t ahead = sequence - place.sequence + kBehind;
    if (ahead > kBehind + kAhead) return false;
    if (ahead > kBehind) place.sequence = sequence;
    return true;
  }
  // The same place, but in the turn that was looked at.
  [[nodiscard]] bool contains_turn(FlowKey flow, std::uint32_t acknowledgement) noexcept {
    return place_of(flow).acknowledgement == acknowledgement;
  }
  void insert(FlowKey flow, std::uint32_t sequence, std::uint32_t acknowledgement) noexcept {
    place_of(flow) = {tag_of(flow), sequence, acknowledgement, true};
  }
  void erase(FlowKey flow) noexcept {
    Place& place = place_of(flow);
    if (place.tag == tag_of(flow)) place.is_used = false;
  }

 private:
  static constexpr std::uint32_t kBehind = 1u << 16, kAhead = 1u << 24;
  struct Place {
    std::uint32_t tag = 0;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgement = 0;
    bool is_used = false;
  };
  static std::uint32_t tag_of(FlowKey flow) noexcept {
    return static_cast<std::uint32_t>(flow.value >> 32);
  }
  Place& place_of(FlowKey flow) noexcept { return places_[flow.value & (kPlaces - 1)]; }

  std::vector<Place> places_;
};

}  // namespace edgesentry::signature
