// Failed logins inside SSH, told by the lengths and the order of its encrypted packets.
//
// After Zeek's SSH analyser (5.0, src/analyzer/protocol/ssh/SSH.cc, ProcessEncryptedSegment): the
// server's first encrypted answer accepts the service "ssh-userauth" (RFC 4253 section 10), the
// next one refuses the method "none" (RFC 4252 section 5.2), and each further answer of the same
// length refuses a password. An answer 16 bytes shorter than the first is USERAUTH_SUCCESS, with
// every cipher and MAC in use: its one byte of payload takes a cipher block less than the 17 bytes
// of SERVICE_ACCEPT.
//
// With keyboard-interactive the question has often the length of the refusal, so that one mistake
// makes two equal answers: they count by twos. No connection counts for more than three; an agent
// offers five keys before it asks. A client that leaves after one refusal and nothing else has
// failed once.
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
  // The connection is over.
  [[nodiscard]] SshEvent end() noexcept;

 private:
  static constexpr std::uint8_t kFailuresMax = 3;
  static constexpr std::uint8_t kAnswersMax = 32;

  bool encrypted_ = false;     // the client took its new keys into use
  bool asked_ = false;         // it said something since the server's last answer
  bool over_ = false;          // logged in, or past what a login takes
  std::uint8_t answers_ = 0;   // of the server, since then
  std::uint8_t repeats_ = 0;   // refusals after the first one
  std::uint8_t failures_ = 0;  // told
  std::uint16_t accept_ = 0;   // lengths
  std::uint16_t refusal_ = 0;
  std::uint16_t last_ = 0;
};

}  // namespace edgesentry::payload
