#include "guard/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/spawn.h"

namespace edgesentry::guard {
namespace {

constexpr char kStart = 's', kKill = 'k';
constexpr std::size_t kTextMax = 256;
constexpr int kSocketInChild = 3;
constexpr int kOutOfTheWay = 100;
constexpr int kSocketBytes = 1 << 20;  // the kernel gives what it allows

// One descriptor beside one byte or a sentence.
struct Message {
  std::array<char, kTextMax> text{};
  std::size_t size = 0;
  int fd = -1;
};

union Control {
  cmsghdr aligned;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

bool send_message(int socket, std::string_view text, int fd) {
  Control control{};
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  msghdr message{.msg_iov = &part, .msg_iovlen = 1};
  if (fd >= 0) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(text.size());
}

// False: there is nothing more.
bool receive_message(int socket, Message& got) {
  Control control{};
  iovec part{.iov_base = got.text.data(), .iov_len = got.text.size()};
  msghdr message{.msg_iov = &part,
                 .msg_iovlen = 1,
                 .msg_control = control.bytes.data(),
                 .msg_controllen = control.bytes.size()};
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return false;
  got.size = static_cast<std::size_t>(size);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return true;
  // The room for one holds two, because it is rounded up: whoever sends two must not fill us up.
  for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= header->cmsg_len; at += sizeof(int)) {
    if (got.fd >= 0) ::close(got.fd);
    std::memcpy(&got.fd, CMSG_DATA(header) + at, sizeof(int));
  }
  return true;
}

// What comes without being asked for was asked for by somebody who gave up waiting.
void drain(int socket) {
  pollfd waits{socket, POLLIN, 0};
  while (::poll(&waits, 1, 0) > 0 && (waits.revents & POLLIN) != 0) {
    Message old;
    if (!receive_message(socket, old)) return;
    if (old.fd >= 0) ::close(old.fd);
  }
}

class Child {
 public:
  explicit Child(std::span<const std::string> arguments) : arguments_(arguments) {}

  // The socket to it, or an errno below zero.
  int start() {
    kill();
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return -errno;
    for (const int end : ends)
      for (const int option : {SO_SNDBUF, SO_RCVBUF})
        ::setsockopt(end, SOL_SOCKET, option, &kSocketBytes, sizeof kSocketBytes);
    const int theirs = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kOutOfTheWay);
    int error = theirs < 0 ? errno : 0;
    ::close(ends[1]);
    base::SpawnPlan plan;
    if (error == 0) error = plan.open(0, "/dev/null", O_RDONLY);
    if (error == 0) error = plan.open(1, "/dev/null", O_WRONLY);
    if (error == 0) error = plan.pass_on(theirs, kSocketInChild);
    if (error == 0) error = plan.close_from(kSocketInChild + 1);
    if (error == 0) error = plan.spawn(pid_, arguments_, {});
    if (theirs >= 0) ::close(theirs);
    if (error == 0) return ends[0];
    pid_ = -1;
    ::close(ends[0]);
    return -error;
  }

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }

 private:
  std::span<const std::string> arguments_;
  pid_t pid_ = -1;
};

}  // namespace

base::Result<int> Launcher::launch(std::chrono::milliseconds limit) {
  const auto fail = [](const std::string& why) {
    return base::Error{fmt::format("its launcher {}; restart edgesentryd", why)};
  };
  drain(socket_);
  if (!send_message(socket_, {&kStart, 1}, -1)) return fail("is gone");
  pollfd waits{socket_, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&waits, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return fail("does not answer");
  Message got;
  if (!receive_message(socket_, got)) return fail("is gone");
  if (got.fd >= 0) return got.fd;
  return base::Error{std::string(got.text.data(), got.size)};
}

void Launcher::kill() noexcept {
  static_cast<void>(send_message(socket_, {&kKill, 1}, -1));  // a launcher that is gone killed it
}

void serve_launcher(int socket, std::span<const std::string> arguments) {
  Child child(arguments);
  Message asked;
  while (receive_message(socket, asked)) {
    if (asked.fd >= 0) ::close(std::exchange(asked.fd, -1));
    if (asked.size != 1) continue;
    if (asked.text[0] == kKill) child.kill();
    if (asked.text[0] != kStart) continue;
    const int theirs = child.start();
    if (theirs >= 0) {
      send_message(socket, {&kStart, 1}, theirs);
      ::close(theirs);
    } else {
      const std::string why = fmt::format("{} cannot be started: {}; it belongs beside edgesentryd",
                                          arguments.front(), std::strerror(-theirs));
      send_message(socket, std::string_view(why).substr(0, kTextMax), -1);
    }
  }
}

}  // namespace edgesentry::guard
