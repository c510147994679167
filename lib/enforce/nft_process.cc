#include "enforce/nft_process.h"

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
#include <chrono>
#include <climits>
#include <cstring>

#include "base/spawn.h"
#include "enforce/nft_protocol.h"

namespace edgesentry::enforce {
namespace {

constexpr int kSocketInChild = 3;
// Starting it takes a few milliseconds; the control thread waits for no longer.
constexpr std::chrono::milliseconds kLaunchLimit{1'000};
constexpr int kSocketBytes = 1 << 20;  // the kernel gives what it allows

// 0 or an errno. Standard error stays: it is where the program says why it cannot start.
int spawn(pid_t& pid, const std::vector<std::string>& arguments, int socket) {
  base::SpawnPlan plan;
  int error = plan.open(0, "/dev/null", O_RDONLY);
  if (error == 0) error = plan.open(1, "/dev/null", O_WRONLY);
  if (error == 0) error = plan.pass_on(socket, kSocketInChild);
  if (error == 0) error = plan.close_from(kSocketInChild + 1);
  return error != 0 ? error : plan.spawn(pid, arguments, {});
}

}  // namespace

std::vector<std::string> NftProcess::arguments(const Settings& settings) {
  std::vector<std::string> words = {settings.program, fmt::format("--fd={}", kSocketInChild),
                                    fmt::format("--ipv6-prefix={}", settings.ipv6_prefix)};
  if (settings.has_inet) words.emplace_back("--inet");
  for (const std::string& device : settings.devices) words.push_back("--device=" + device);
  words.insert(words.end(), settings.options.begin(), settings.options.end());
  return words;
}

base::Status NftProcess::open() {
  close();
  if (settings_.launcher == nullptr) return start_here();
  const base::Result<int> started = settings_.launcher->launch(kLaunchLimit);
  if (!started) return started.error();
  socket_ = started.value();
  return {};
}

base::Status NftProcess::start_here() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return base::Error{
        fmt::format("no socket pair for {}: {}", settings_.program, std::strerror(errno))};
  for (const int end : ends)
    for (const int option : {SO_SNDBUF, SO_RCVBUF})
      ::setsockopt(end, SOL_SOCKET, option, &kSocketBytes, sizeof kSocketBytes);
  // dup2() onto itself would leave close-on-exec set.
  int theirs = ends[1];
  if (theirs == kSocketInChild) {
    theirs = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kSocketInChild + 1);
    ::close(ends[1]);
  }
  const int error = spawn(pid_, arguments(settings_), theirs);
  ::close(theirs);
  if (error == 0) {
    socket_ = ends[0];
    return {};
  }
  ::close(ends[0]);
  pid_ = -1;
  return base::Error{fmt::format("{} cannot be started: {}; it belongs beside edgesentryd",
                                 settings_.program, std::strerror(error))};
}

bool NftProcess::send(std::span<const std::byte> frame) {
  if (socket_ < 0) return false;
  return ::send(socket_, frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(frame.size());
}

NftLink::Got NftProcess::receive(std::vector<std::byte>& frame) {
  if (socket_ < 0) return Got::gone;
  frame.resize(kNftHeaderBytes + kNftTextMax + 64);
  const ssize_t got = ::recv(socket_, frame.data(), frame.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return Got::nothing;
  if (got <= 0) return Got::gone;
  frame.resize(static_cast<std::size_t>(got));
  return Got::frame;
}

void NftProcess::wait(std::chrono::milliseconds limit) {
  if (socket_ < 0) return;
  pollfd waits{socket_, POLLIN, 0};
  ::poll(&waits, 1, static_cast<int>(std::clamp<std::int64_t>(limit.count(), 0, INT_MAX)));
}

void NftProcess::close() noexcept {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  if (settings_.launcher != nullptr) settings_.launcher->kill();
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

std::string beside_this_program(const std::string& name) {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string self(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return self.substr(0, self.rfind('/') + 1) + name;
}

}  // namespace edgesentry::enforce
