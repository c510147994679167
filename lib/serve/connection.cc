#include "serve/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace edgesentry::serve {
namespace {

// Per turn of the loop: a client with a large reply does not keep the others waiting.
constexpr std::size_t kChunkBytes = 64 * 1024;

}  // namespace

Connection::Connection(int fd, Time deadline) : fd_(fd), deadline_(deadline) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
    peer_ = {credentials.uid, credentials.gid, credentials.pid};
  else
    is_broken_ = true;  // nobody is served without being known
}

Connection::~Connection() {
  ::close(fd_);
}

void Connection::read_some() {
  if (!wants_to_read()) return;
  in_.erase(0, std::exchange(taken_, 0));
  std::array<char, 16 * 1024> bytes;
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count > 0)
    in_.append(bytes.data(), static_cast<std::size_t>(count));
  else if (count == 0)
    has_ended_ = true;
  else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    is_broken_ = true;
}

void Connection::write_some() {
  if (!wants_to_write()) return;
  const std::size_t size = std::min(out_.size() - sent_, kChunkBytes);
  const ssize_t count = ::send(fd_, out_.data() + sent_, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0)
    sent_ += static_cast<std::size_t>(count);
  else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    is_broken_ = true;
  if (wants_to_write()) return;
  out_ = std::string();  // gives the memory of a large reply back
  sent_ = 0;
}

std::optional<std::string> Connection::take_line() {
  while (taken_ < in_.size() && (in_[taken_] == '\n' || in_[taken_] == '\r')) ++taken_;
  const std::size_t end = in_.find('\n', taken_);
  if (end == std::string::npos || end - taken_ > kRequestBytesMax) return std::nullopt;
  std::string line = in_.substr(taken_, end - taken_);
  taken_ = end + 1;
  return line;
}

bool Connection::has_line() const noexcept {
  return in_.find('\n', taken_) != std::string::npos;
}

bool Connection::line_is_too_long() const noexcept {
  const std::size_t end = std::min(in_.find('\n', taken_), in_.size());
  return end - taken_ > kRequestBytesMax;
}

void Connection::reply(std::string line, bool then_close) {
  is_working_ = false;
  is_last_reply_ = is_last_reply_ || then_close;
  out_ = std::move(line);
  out_ += '\n';
  sent_ = 0;
}

bool Connection::wants_to_read() const noexcept {
  return !is_working_ && !wants_to_write() && !has_ended_ && !is_last_reply_ &&
         in_.size() - taken_ <= kRequestBytesMax;
}

bool Connection::is_over() const noexcept {
  if (is_broken_) return true;
  if (is_working_ || wants_to_write()) return false;
  return is_last_reply_ || (has_ended_ && !has_line());
}

}  // namespace edgesentry::serve
