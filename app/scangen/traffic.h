// Frames of scans, floods and harmless clients, one after another, the same for the same seed.
//
// One owner. next() is valid until the following call. Nothing here sends anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"

namespace edgesentry::scangen {

enum class Mode : std::uint8_t { syn, fin, null, xmas, ack, udp, sweep, flood, mixed };

struct TrafficSettings {
  Mode mode = Mode::syn;
  base::Ip from;                     // the scanner; clients and flood sources are invented
  base::Prefix to;                   // its targets
  std::vector<std::uint16_t> ports;  // at least one
  std::uint64_t seed = 1;
  std::array<std::uint8_t, 6> source_mac{2, 0, 0, 0, 0, 1};
  std::array<std::uint8_t, 6> target_mac{2, 0, 0, 0, 0, 2};
};

class Traffic {
 public:
  explicit Traffic(TrafficSettings settings);

  std::span<const std::uint8_t> next();

 private:
  struct Segment {
    base::Ip source, target;
    std::uint16_t source_port = 0, target_port = 0;
    std::uint8_t flags = 0;
    std::uint32_t sequence = 0, acknowledgement = 0;
    std::uint16_t payload = 0;
  };
  // A connection of a harmless client: which of its packets comes next.
  struct Client {
    base::Ip source, target;
    std::uint16_t source_port = 0, target_port = 0;
    int step = 0;
  };

  std::uint64_t random() noexcept;
  base::Ip invented_source() noexcept;
  [[nodiscard]] base::Ip target(std::uint64_t index) const noexcept;
  Segment probe();
  Segment client_packet();
  void write_ethernet(bool v4) noexcept;
  std::size_t write_ip(const Segment& segment, std::uint8_t protocol, std::size_t bytes) noexcept;
  void write_tcp(const Segment& segment) noexcept;
  void write_udp(const Segment& segment) noexcept;
  void add_checksum(const Segment& segment, std::uint8_t protocol, std::size_t at,
                    std::size_t field) noexcept;

  TrafficSettings settings_;
  std::uint64_t hosts_ = 1;
  std::uint64_t state_;
  std::uint64_t index_ = 0;  // of the next probe
  std::array<Client, 16> clients_{};
  std::array<std::uint8_t, 1600> frame_{};
  std::size_t size_ = 0;
};

}  // namespace edgesentry::scangen
