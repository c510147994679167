#include "wire/tcp_options.h"

#include "wire/load.h"
#include "wire/probe.h"

namespace edgesentry::wire {

namespace {

constexpr std::uint32_t kSlots = 8;

struct Meaning {
  std::uint32_t kind = tcp_option::kOther;
  std::uint8_t trait = 0;
  std::uint32_t value = 0;  // bits of the layout
};

std::uint32_t class_of_mss(std::uint16_t mss) noexcept {
  if (mss == 1460) return tcp_option::kMss1460;
  if (mss == 1440) return tcp_option::kMss1440;
  return mss == 536 ? tcp_option::kMss536 : tcp_option::kMssOther;
}

std::uint32_t class_of_scale(std::uint8_t scale) noexcept {
  if (scale == 8) return tcp_option::kScale8;
  if (scale == 7) return tcp_option::kScale7;
  return scale == 6 ? tcp_option::kScale6 : tcp_option::kScaleOther;
}

// `whole`: the length is the one that the kind has, and all of it is there.
Meaning meaning_of(const std::uint8_t* at, std::size_t left) noexcept {
  const auto whole = [&](std::uint8_t length) { return at[1] == length && length <= left; };
  switch (at[0]) {
    case 2:
      if (!whole(4)) return {.trait = trait::kTcpMss};
      return {tcp_option::kMss, trait::kTcpMss, class_of_mss(load16(at + 2))};
    case 3:
      if (!whole(3)) return {.trait = trait::kTcpWindowScale};
      return {tcp_option::kWindowScale, trait::kTcpWindowScale, class_of_scale(at[2])};
    case 4:
      return whole(2) ? Meaning{.kind = tcp_option::kSackPermitted} : Meaning{};
    case 8:
      if (!whole(10)) return {.trait = trait::kTcpTimestamps};
      return {tcp_option::kTimestamps, trait::kTcpTimestamps,
              load32(at + 2) == 0xffffffff ? tcp_option::kStampOnes : tcp_option::kStampAny};
    default:
      return {};
  }
}

}  // namespace

TcpOptions tcp_options(const std::uint8_t* at, std::size_t bytes) noexcept {
  TcpOptions options;
  std::uint32_t slot = 0;
  const auto note = [&](std::uint32_t kind) {
    if (slot < kSlots)
      options.layout |= kind << (3 * slot++);
    else
      options.layout = (options.layout & ~(7u << 21)) | tcp_option::kOther << 21;
  };
  for (std::size_t i = 0; i < bytes;) {
    if (at[i] == 0) {
      note(tcp_option::kEnd);
      break;
    }
    if (at[i] == 1) {
      note(tcp_option::kNop);
      ++i;
      continue;
    }
    if (i + 1 >= bytes || at[i + 1] < 2) {
      note(tcp_option::kOther);
      break;
    }
    const Meaning meaning = meaning_of(at + i, bytes - i);
    note(meaning.kind);
    options.traits |= meaning.trait;
    options.layout |= meaning.value;
    i += at[i + 1];
  }
  return options;
}

}  // namespace edgesentry::wire
