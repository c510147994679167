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
    asked_bytes_ = asked_ ? std::max(asked_bytes_, length) : length;
    asked_ = true;
    return;
  }
  const auto at = std::search(bytes.begin(), bytes.end(), kNewKeys.begin(), kNewKeys.end());
  if (at == bytes.end()) return;
  encrypted_ = true;
  asked_ = length > (at - bytes.begin()) + kNewKeysBytes;
  asked_bytes_ = length;
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
  if (asked_bytes_ < kKeyOfferBytes) ++passwords_;
  if (++repeats_ % kRefusalsMost != 0) return SshEvent::none;
  ++failures_;
  return SshEvent::failed;
}

std::uint8_t SshDialogue::end() noexcept {
  const bool is_refused = repeats_ > 0 || (refusal_ != 0 && answers_ <= 3);
  const bool fails = is_refused && failures_ == 0 && !over_;
  over_ = has_ended_ = true;
  if (!fails) return 0;
  return static_cast<std::uint8_t>(std::clamp((passwords_ + 1) / 2, 1, int{kEndMost}));
}

}  // namespace edgesentry::payload
