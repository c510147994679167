// Failed logins inside SSH, told by the lengths and the order of its encrypted packets.
//
// After Zeek's SSH analyser (5.0, src/analyzer/protocol/ssh/SSH.cc, ProcessEncryptedSegment): the
// server's first encrypted answer accepts the service "ssh-userauth" (RFC 4253 section 10), the
// next one refuses the method "none" (RFC 4252 section 5.2), and each further answer of the same
// length refuses a password. An answer 16 bytes shorter than the first is USERAUTH_SUCCESS, with
// every cipher and MAC in use: its one byte of payload takes a cipher block less than the 17 bytes
// of SERVICE_ACCEPT.
//
// What is refused on the way to a success is no failure: an agent offers five keys before it asks
// for the password. So a connection fails when it ends without a success; one that had twelve equal
// answers fails once then and there. OpenSSH allows six tries (MaxAuthTries in sshd_config(5)), and
// with keyboard-interactive the question has often the length of the refusal, so that one try makes
// two of them. A client that leaves after one refusal and nothing else has failed once.
//
// A connection that fails counts once, however many keys were tried. What is too short to offer a
// key is a password; those count by twos, at most for three. Programs that guess send such ones;
// OpenSSH's client and PuTTY make them longer, to hide how long they are.
//
// One state per connection, both directions in order of arrival. Plain value; owner: one thread.
#pragma once

#include <cstdint>
#include <span>

namespace edgesentry::payload {

enum class SshEvent : std::uint8_t { none, failed, succeeded };

class SshDialogue {
 public:
  // What the side that opened the connection sent, as it starts (banner, key exchange) or
  // encrypted.
  void client(std::span<const std::uint8_t> bytes, std::uint16_t length) noexcept;
  SshEvent server(std::uint16_t length) noexcept;
  // The connection is over. Failures that were not told before.
  [[nodiscard]] std::uint8_t end() noexcept;
  [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
  // Told before the connection was over.
  [[nodiscard]] std::uint8_t failures() const noexcept { return failures_; }

 private:
  static constexpr std::uint8_t kRefusalsMost = 12;  // of a login that may still succeed
  static constexpr std::uint8_t kAnswersMax = 32;
  static constexpr std::uint8_t kEndMost = 3;
  // RFC 4252 section 7 with an Ed25519 key and a name of one letter: 108 bytes, 8 of them around
  // and a MAC of 16 at least.
  static constexpr std::uint16_t kKeyOfferBytes = 128;

  bool encrypted_ = false;  // the client took its new keys into use
  bool asked_ = false;      // it said something since the server's last answer
  bool over_ = false;       // logged in, or past what a login takes
  bool has_ended_ = false;
  std::uint8_t answers_ = 0;       // of the server, since then
  std::uint8_t repeats_ = 0;       // refusals after the first one
  std::uint8_t passwords_ = 0;     // of `repeats_`, those that were no keys
  std::uint8_t failures_ = 0;      // told
  std::uint16_t asked_bytes_ = 0;  // most that it said at once since then
  std::uint16_t accept_ = 0;       // lengths
  std::uint16_t refusal_ = 0;
  std::uint16_t last_ = 0;
};

}  // namespace edgesentry::payload
