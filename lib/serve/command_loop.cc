#include "serve/command_loop.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>
#include <tuple>
#include <utility>

#include "serve/request_text.h"

namespace edgesentry::serve {
namespace {

constexpr std::uint64_t kListener = 0;
constexpr std::uint64_t kWake = 1;
constexpr std::uint64_t kFirstConnection = 2;
constexpr int kWaitMs = 250;  // how late a deadline may be noticed
constexpr int kAcceptsPerTurn = 64;

// The last line on a connection, as far as it fits.
void say(int fd, const char* sentence) {
  const std::string line = error_line(sentence) + '\n';
  ::send(fd, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

CommandServer::Loop::Loop(Settings settings, Handler handler, std::unique_ptr<SocketFile> listener)
    : settings_(std::move(settings)),
      handler_(std::move(handler)),
      listener_(std::move(listener)),
      next_id_(kFirstConnection) {}

CommandServer::Loop::~Loop() {
  pool_.reset();  // its threads use wake_fd_
  connections_.clear();
  for (const int fd : {epoll_, wake_fd_, spare_fd_})
    if (fd >= 0) ::close(fd);
}

base::Status CommandServer::Loop::open() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (epoll_ < 0 || wake_fd_ < 0 || spare_fd_ < 0)
    return base::Error{
        fmt::format("control.socket: {}; raise the limit of open files", std::strerror(errno))};
  if (base::Status watched = watch(listener_->fd(), kListener); !watched.ok()) return watched;
  if (base::Status watched = watch(wake_fd_, kWake); !watched.ok()) return watched;
  pool_ = std::make_unique<RequestPool>(settings_.handler_threads, settings_.connections_max,
                                        [this] { wake(); });
  return {};
}

base::Status CommandServer::Loop::watch(int fd, Id id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return base::Error{fmt::format("control.socket: epoll: {}; raise fs.epoll.max_user_watches",
                                 std::strerror(errno))};
}

void CommandServer::Loop::wake() noexcept {
  const std::uint64_t one = 1;
  // It fails only when the count is at its maximum, and then the loop is awake anyway.
  [[maybe_unused]] const ssize_t ignored = ::write(wake_fd_, &one, sizeof(one));
}

void CommandServer::Loop::stop() noexcept {
  is_stopping_.store(true, std::memory_order_release);  // partner: the acquire in run()
  wake();
}

void CommandServer::Loop::run() {
  bool has_more_to_do = false;
  while (!is_stopping_.load(std::memory_order_acquire)) {  // partner: the release in stop()
    wait(has_more_to_do);
    deliver_replies();
    has_more_to_do = false;
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto& [id, connection] = *it;
      has_more_to_do = advance(id, *connection) || has_more_to_do;
      if (!connection->is_over() && !is_cut_off(*connection)) {
        ++it;
        continue;
      }
      if (connection->is_working()) pool_->forget(id);
      it = connections_.erase(it);
    }
    numbers_.connections.set(connections_.size());
  }
}

void CommandServer::Loop::wait(bool has_more_to_do) {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 has_more_to_do ? 0 : kWaitMs);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kListener) {
      accept_all();
    } else if (event.data.u64 == kWake) {
      std::uint64_t rung = 0;
      [[maybe_unused]] const ssize_t ignored = ::read(wake_fd_, &rung, sizeof(rung));
    } else if (const auto found = connections_.find(event.data.u64); found != connections_.end()) {
      // Both directions are closed: no reply can arrive any more.
      if ((event.events & (EPOLLHUP | EPOLLERR)) != 0) found->second->give_up();
      if ((event.events & EPOLLIN) != 0) found->second->read_some();
    }
  }
}

void CommandServer::Loop::accept_all() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const int fd = ::accept4(listener_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      take_in(fd);
    } else if ((errno == EMFILE || errno == ENFILE) && spare_fd_ >= 0) {
      shed("the appliance has no file descriptor left; try again later");
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

// A connection that is not taken from the queue would be reported again and again.
void CommandServer::Loop::shed(const char* sentence) {
  ::close(spare_fd_);
  const int fd = ::accept4(listener_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    say(fd, sentence);
    ::close(fd);
    numbers_.refused.add(1);
  }
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void CommandServer::Loop::take_in(int fd) {
  auto connection = std::make_unique<Connection>(fd, settings_.now() + settings_.idle_max);
  connection->set_comes_first(settings_.comes_first(connection->peer()));
  const Id id = next_id_;
  if ((connections_.size() >= settings_.connections_max && !make_room(*connection)) ||
      !watch(fd, id).ok()) {
    say(fd, "too many connections; close one or try again later");
    numbers_.refused.add(1);
    return;
  }
  ++next_id_;
  connections_.emplace(id, std::move(connection));
  numbers_.accepted.add(1);
  numbers_.connections.set(connections_.size());
}

// Who has been idle longest gives way. Who comes first gives way to its like only, and when it is
// idle; for it others give way even while they are busy. False: nobody does.
bool CommandServer::Loop::make_room(const Connection& newcomer) {
  using Rank = std::tuple<bool, bool, Connection::Time>;
  auto leaving = connections_.end();
  Rank lowest;
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    Connection& connection = *it->second;
    connection.read_some();  // its request may have come in this very turn
    const bool is_busy = connection.is_busy();
    if (connection.comes_first() && (is_busy || !newcomer.comes_first())) continue;
    if (is_busy && !newcomer.comes_first()) continue;
    const Rank rank{connection.comes_first(), is_busy, connection.deadline()};
    if (leaving != connections_.end() && rank >= lowest) continue;
    leaving = it;
    lowest = rank;
  }
  if (leaving == connections_.end()) return false;
  const Connection& connection = *leaving->second;
  (connection.is_busy() ? numbers_.slow : numbers_.idle).add(1);
  if (!connection.wants_to_write())
    say(connection.fd(), "gave way to another connection; ask anew");
  if (connection.is_working()) pool_->forget(leaving->first);
  connections_.erase(leaving);
  return true;
}

void CommandServer::Loop::deliver_replies() {
  for (RequestPool::Reply& reply : pool_->take_replies()) {
    const auto found = connections_.find(reply.connection);
    numbers_.handled.add(1);
    if (found == connections_.end()) continue;  // it was cut off, or went away, meanwhile
    found->second->reply(std::move(reply.line));
    found->second->set_deadline(settings_.now() + settings_.unread_max);
  }
}

// True: it can go on without waiting for anybody.
bool CommandServer::Loop::advance(Id id, Connection& connection) {
  if (connection.is_over()) return false;
  if (connection.wants_to_write()) {
    const Connection::Time now = settings_.now();
    connection.write_some();
    if (!connection.wants_to_write()) connection.set_deadline(now + settings_.idle_max);
  } else if (!connection.is_working()) {
    if (const std::optional<std::string> line = connection.take_line()) {
      ask(id, connection, *line);
    } else if (connection.line_is_too_long()) {
      numbers_.malformed.add(1);
      connection.reply(error_line(fmt::format("a request has at most {} bytes", kRequestBytesMax)),
                       /*then_close=*/true);
      connection.set_deadline(settings_.now() + settings_.unread_max);
    }
    if (connection.wants_to_write()) connection.write_some();
  }
  set_interest(id, connection);
  return connection.has_line() && !connection.is_working() && !connection.wants_to_write();
}

void CommandServer::Loop::ask(Id id, Connection& connection, const std::string& line) {
  base::Result<nlohmann::json> request = parse_request(line);
  if (!request.ok()) {
    numbers_.malformed.add(1);
    connection.reply(error_line(request.error().text));
    connection.set_deadline(settings_.now() + settings_.unread_max);
    return;
  }
  connection.set_working();
  auto job = [this, peer = connection.peer(), request = std::move(request).value()] {
    try {
      return reply_line(handler_(request, peer), settings_.reply_bytes_max);
    } catch (const std::exception& fault) {
      return error_line(fmt::format("the command failed: {}", fault.what()));
    }
  };
  if (pool_->submit(id, std::move(job))) return;
  connection.reply(error_line("too many requests wait to be answered; try again later"));
  connection.set_deadline(settings_.now() + settings_.unread_max);
}

void CommandServer::Loop::set_interest(Id id, const Connection& connection) {
  epoll_event event{};
  event.events =
      (connection.wants_to_read() ? EPOLLIN : 0u) | (connection.wants_to_write() ? EPOLLOUT : 0u);
  event.data.u64 = id;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd(), &event);
}

bool CommandServer::Loop::is_cut_off(const Connection& connection) {
  if (connection.is_working() || settings_.now() < connection.deadline()) return false;
  (connection.wants_to_write() ? numbers_.slow : numbers_.idle).add(1);
  return true;
}

}  // namespace edgesentry::serve
