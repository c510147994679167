#include "control_client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

namespace edgesentry::cli {
namespace {

using base::Error;
using base::Result;
using base::Status;

constexpr auto kSilenceMax = std::chrono::seconds(5);
// A reload is answered once the patterns are compiled and tried; longer than the appliance waits.
constexpr auto kReloadSilenceMax = std::chrono::seconds(35);

class Socket {
 public:
  explicit Socket(std::chrono::seconds silence_max)
      : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
        silence_max_(silence_max) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const noexcept { return descriptor_; }

  [[nodiscard]] std::chrono::seconds silence_max() const noexcept { return silence_max_; }

  // False: nothing happened for so long.
  [[nodiscard]] bool wait_for(short what) const {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + silence_max_;
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      pollfd waiting{descriptor_, what, 0};
      const int ready = ::poll(&waiting, 1, static_cast<int>(left));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

 private:
  int descriptor_;
  std::chrono::seconds silence_max_;
};

Error connect_error(const std::string& path, int why) {
  switch (why) {
    case ENOENT:
      return {path +
              " does not exist: edgesentryd is not running, or it listens elsewhere; start "
              "it with 'systemctl start edgesentryd', or name its socket with --socket"};
    case EACCES:
    case EPERM:
      return {"no permission for " + path +
              ": use sudo, or become a member of the group named by control.socket_group"};
    case ECONNREFUSED:
      return {path +
              " is there, but nobody listens: edgesentryd has ended without removing it; "
              "start it with 'systemctl start edgesentryd'"};
    case EAGAIN:
      return {path + ": edgesentryd has more clients waiting than it takes; try again"};
    default:
      return {"cannot connect to " + path + ": " + std::strerror(why)};
  }
}

Error silent(const std::string& path, const Socket& socket) {
  return {
      fmt::format("edgesentryd does not answer on {} (waited {} s): it is overloaded or stuck; "
                  "see its log with 'journalctl -u edgesentryd'",
                  path, socket.silence_max().count())};
}

Error broken(const std::string& path) {
  return {"edgesentryd closed " + path + " before it had answered; see its log"};
}

Status connect_to(const Socket& socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return Error{path + " is too long for a socket's name; at most " +
                 std::to_string(sizeof(address.sun_path) - 1) + " bytes"};
  path.copy(address.sun_path, path.size());
  if (socket.get() < 0) return Error{std::string("no socket: ") + std::strerror(errno)};
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return connect_error(path, errno);
  return {};
}

Status send_all(const Socket& socket, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (!socket.wait_for(POLLOUT)) return silent(path, socket);
    } else {
      return broken(path);
    }
  }
  return {};
}

Result<std::string> receive_line(const Socket& socket, const std::string& path) {
  std::string reply;
  std::array<char, 65536> some;
  for (;;) {
    const ssize_t got = ::recv(socket.get(), some.data(), some.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (!socket.wait_for(POLLIN)) return silent(path, socket);
      continue;
    }
    if (got <= 0) return broken(path);
    const std::string_view piece(some.data(), static_cast<std::size_t>(got));
    const std::size_t end = piece.find('\n');
    reply += piece.substr(0, end);
    if (end != std::string_view::npos) return reply;
    if (reply.size() > kReplyBytesMax)
      return Error{path + ": the reply does not end; is this edgesentryd's socket?"};
  }
}

}  // namespace

Result<std::string> ControlClient::ask_raw(const nlohmann::json& request) const {
  const bool is_reload =
      request.is_object() && request.value("command", nlohmann::json()) == "reload";
  const Socket socket(is_reload ? kReloadSilenceMax : kSilenceMax);
  if (const Status status = connect_to(socket, path_); !status) return status.error();
  const std::string line =
      request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  if (const Status status = send_all(socket, line, path_); !status) return status.error();
  return receive_line(socket, path_);
}

Result<nlohmann::json> ControlClient::understand(const std::string& reply) {
  nlohmann::json object = nlohmann::json::parse(reply, nullptr, false);
  if (!object.is_object())
    return Error{"the reply is no JSON object; is this edgesentryd's socket, and of this version?"};
  const auto ok = object.find("ok");
  if (ok != object.end() && ok->is_boolean() && ok->get<bool>()) return object;
  const auto error = object.find("error");
  if (error != object.end() && error->is_string()) {
    std::string text = error->get<std::string>();
    for (const nlohmann::json& problem : object.value("problems", nlohmann::json::array()))
      if (problem.is_string()) text += '\n' + problem.get<std::string>();
    constexpr std::size_t kItemsShown = 10;
    std::size_t shown = 0;
    for (const nlohmann::json& item : object.value("items", nlohmann::json::array())) {
      if (!item.is_object() || !item.contains("error") || !item["error"].is_string()) continue;
      if (++shown > kItemsShown) break;
      text += '\n' + item["error"].get<std::string>();
    }
    return Error{std::move(text)};
  }
  return Error{"edgesentryd refused without a reason; see its log"};
}

}  // namespace edgesentry::cli
