// A pcap file in memory, little endian, for tests that read captures. pcap-savefile(5).
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "support/packet_builder.h"

namespace edgesentry::test {

class CaptureWriter {
 public:
  explicit CaptureWriter(std::uint32_t link_type = 1, bool nanoseconds = false)
      : nanoseconds_(nanoseconds) {
    put(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    put(4u << 16 | 2);
    put(0);
    put(0);
    put(262144);
    put(link_type);
  }
  // `wire_bytes` 0: the record is the whole frame.
  void add(base::Micros time, const Bytes& frame, std::uint32_t wire_bytes = 0) {
    put(static_cast<std::uint32_t>(time.value / 1'000'000));
    put(static_cast<std::uint32_t>(time.value % 1'000'000) * (nanoseconds_ ? 1000 : 1));
    put(static_cast<std::uint32_t>(frame.size()));
    put(wire_bytes == 0 ? static_cast<std::uint32_t>(frame.size()) : wire_bytes);
    bytes_.append(frame.begin(), frame.end());
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void put(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(value >> shift);
  }
  bool nanoseconds_;
  std::string bytes_;
};

}  // namespace edgesentry::test
