// Checksums of packets: the Internet checksum (RFC 1071), with the pseudo-headers of RFC 9293 and
// RFC 8200 section 8.1, and CRC32c for SCTP (RFC 9260, appendix A).
//
// Pure functions over bytes that the caller has checked to be there.
#pragma once

#include <cstdint>
#include <span>

#include "base/ip.h"

namespace edgesentry::verify {

// Adds up words in network order; an odd last byte is the upper half of a word.
[[nodiscard]] std::uint64_t sum_of(std::span<const std::uint8_t> bytes) noexcept;

// The sum as it stands in a header: folded and complemented. 0 over a packet that is whole.
[[nodiscard]] std::uint16_t checksum_of(std::uint64_t sum) noexcept;

[[nodiscard]] std::uint64_t pseudo_header_sum(const base::Ip& source, const base::Ip& target,
                                              std::uint8_t protocol, std::size_t bytes) noexcept;

[[nodiscard]] std::uint32_t crc32c_of(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace edgesentry::verify
