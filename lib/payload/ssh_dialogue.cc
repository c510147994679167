#include "payload/ssh_dialogue.h"

#include <algorithm>
#include <array>

namespace edgesentry::payload {

namespace {
// RFC 4253 sections 6 and 7.3: packet length 12, padding 10, message 21 and no more.
constexpr std::array<std::uint8_t, 6> kNewKeys = {0, 0, 0, 12, 10, 21};
constexpr std::uint16_t kNewKeysBytes = 16;
constexpr int kSuccessIsShorter = 16;
}  // namespace

void SshDialogue::client(std::span<const std::uint8_t> bytes, std::uint16_t length) noexcept {
  if (encrypted_) {
    asked_ = true;
    return;
  }
  const auto at = std::search(bytes.begin(), bytes.end(), kNewKeys.begin(), kNewKeys.end());
  if (at == bytes.end()) return;
  encrypted_ = true;
  asked_ = length > (at - bytes.begin()) + kNewKeysBytes;
}

SshEvent SshDialogue::server(std::uint16_t length) noexcept {
  if (!encrypted_ || !asked_ || over_) return SshEvent::none;
  asked_ = false;
  if (++answers_ > kAnswersMax) over_ = true;
  if (accept_ == 0) {
    accept_ = length;
    return SshEvent::none;
  }
  if (length + kSuccessIsShorter == accept_) {
    over_ = true;
    return SshEvent::succeeded;
  }
  const std::uint16_t before = last_;
  last_ = length;
  if (refusal_ == 0) {
    refusal_ = length;
    return SshEvent::none;
  }
  // A banner came with the first refusal and made it longer.
  if (length != refusal_ && length == before && repeats_ == 0) refusal_ = length;
  if (length != refusal_) return SshEvent::none;
  const bool counts = repeats_ % 2 == 0 && failures_ < kFailuresMax;
  if (repeats_ < UINT8_MAX) ++repeats_;
  if (!counts) return SshEvent::none;
  ++failures_;
  return SshEvent::failed;
}

SshEvent SshDialogue::end() noexcept {
  const bool refused_once = refusal_ != 0 && answers_ <= 3 && failures_ == 0 && !over_;
  over_ = true;
  return refused_once ? SshEvent::failed : SshEvent::none;
}

}  // namespace edgesentry::payload
