#include "enforce/leftover.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace edgesentry::enforce {
namespace {

constexpr std::size_t kTextMax = 2048;
constexpr std::string_view kKinds = "rlope";

}  // namespace

base::Status tell_leftover(int socket, const Leftover& leftover) {
  const std::string packet = static_cast<char>(leftover.kind) + leftover.text.substr(0, kTextMax);
  ssize_t sent = -1;
  do {
    sent = ::send(socket, packet.data(), packet.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  return base::Error{
      fmt::format("what was left cannot be told to edgesentryd: {}", std::strerror(errno))};
}

base::Result<std::vector<Leftover>> collect_leftovers(int socket, std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  std::vector<Leftover> all;
  std::array<char, kTextMax + 1> packet{};
  const auto until = Clock::now() + limit;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return base::Error{"it does not answer"};
    pollfd waits{socket, POLLIN, 0};
    if (::poll(&waits, 1, static_cast<int>(left)) <= 0) continue;
    const ssize_t got = ::recv(socket, packet.data(), packet.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return base::Error{"it has ended before it had looked at everything"};
    if (kKinds.find(packet[0]) == std::string_view::npos) return base::Error{"it answers nonsense"};
    Leftover leftover{.kind = static_cast<Leftover::Kind>(packet[0]),
                      .text = std::string(packet.data() + 1, static_cast<std::size_t>(got) - 1)};
    if (leftover.kind == Leftover::Kind::end) return all;
    all.push_back(std::move(leftover));
  }
}

}  // namespace edgesentry::enforce
