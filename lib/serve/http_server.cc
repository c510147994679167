#include "serve/http_server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>
#include <tuple>
#include <utility>

#include "serve/http_exchange.h"
#include "serve/job_pool.h"

namespace edgesentry::serve {
namespace {

constexpr unsigned kPollThreads = 2;
constexpr std::size_t kWaitingMax = 256;             // requests before the command threads
constexpr std::size_t kConnectionBytes = 16 * 1024;  // head, and buffer of what is read and sent
constexpr std::chrono::milliseconds kTick{50};       // how late a deadline or an event may be
constexpr rlim_t kOtherFiles = 256;                  // of the rest of the process

using Clock = std::chrono::steady_clock;

base::Ip address_of(const sockaddr* address) {
  if (address != nullptr && address->sa_family == AF_INET)
    return base::Ip::v4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
  std::array<std::uint8_t, 16> bytes{};
  if (address != nullptr && address->sa_family == AF_INET6)
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  return base::Ip::from_bytes(bytes);
}

base::Status make_room_for(std::uint32_t connections) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const rlim_t wanted = connections + HttpConnections::kLeavingMax + kOtherFiles;
  if (files.rlim_cur >= wanted) return {};
  if (files.rlim_max >= wanted) {
    files.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &files) == 0) return {};
  }
  return base::Error{
      fmt::format("api.connections_max = {} needs {} open files, and {} are allowed; "
                  "raise LimitNOFILE of the unit, or write a smaller number",
                  connections, wanted, files.rlim_max)};
}

// The exchange has its own copy and reads the query itself. The library's reading, which nobody
// asks for, takes 64 bytes of a connection's memory for each parameter, and where these run out
// (0.9.75) the client is left without any answer. It reads on from its own buffer, which is not
// const.
void hide_query(const char* target) {
  if (const char* mark = std::strchr(target, '?'); mark != nullptr && mark[1] != '\0')
    const_cast<char*>(mark)[1] = '\0';
}

}  // namespace

// What libmicrohttpd calls; `cls` is the engine.
class HttpServer::Engine {
 public:
  Engine(Settings settings, Api& api, EventFeed& feed)
      : settings_(std::move(settings)),
        connections_(settings_.limits, api.numbers()),
        pool_(settings_.command_threads, kWaitingMax),
        shared_{api, feed, connections_, pool_, settings_.timeout, settings_.unread_max} {}
  ~Engine() { stop(); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  base::Status start(std::unique_ptr<HttpListener> listener);

 private:
  static void log(void* cls, const char* format, std::va_list arguments);
  static MHD_Result admit(void* cls, const sockaddr* address, socklen_t);
  static void notice(void* cls, MHD_Connection* connection, void**,
                     MHD_ConnectionNotificationCode what);
  static void* begin(void* cls, const char* target, MHD_Connection* connection);
  // The library's eight arguments; of these, method, part of the body, its size and exchange count.
  template <class... Arguments>
  static MHD_Result handle(Arguments... arguments) {
    const auto all = std::make_tuple(arguments...);
    std::size_t& size = *std::get<6>(all);
    const std::string_view part(std::get<5>(all), std::exchange(size, 0));
    return advance(*std::get<7>(all), std::get<3>(all), part) ? MHD_YES : MHD_NO;
  }
  static bool advance(void* exchange, std::string_view method, std::string_view part);
  static void end(void* cls, MHD_Connection*, void** exchange, MHD_RequestTerminationCode);
  void keep_time(const std::stop_token& stop);
  void stop();

  Settings settings_;
  HttpConnections connections_;
  JobPool pool_;
  HttpShared shared_;
  std::string complaint_;  // of the library, before its threads run
  bool is_running_ = false;
  MHD_Daemon* daemon_ = nullptr;
  std::jthread time_keeper_;
};

void HttpServer::Engine::log(void* cls, const char* format, std::va_list arguments) {
  auto& engine = *static_cast<Engine*>(cls);
  if (engine.is_running_) return;  // clients' faults: the connections' numbers have them
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  engine.complaint_ = text.data();
}

MHD_Result HttpServer::Engine::admit(void* cls, const sockaddr* address, socklen_t) {
  return static_cast<Engine*>(cls)->connections_.may_enter(address_of(address)) ? MHD_YES : MHD_NO;
}

void HttpServer::Engine::notice(void* cls, MHD_Connection* connection, void**,
                                MHD_ConnectionNotificationCode what) {
  auto& engine = *static_cast<Engine*>(cls);
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) return engine.connections_.closed(connection);
  const auto* fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  const auto* from = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (fd == nullptr || from == nullptr) return;
  engine.connections_.opened(connection, fd->connect_fd, address_of(from->client_addr),
                             Clock::now() + engine.settings_.timeout);
}

void* HttpServer::Engine::begin(void* cls, const char* target, MHD_Connection* connection) {
  auto& engine = *static_cast<Engine*>(cls);
  engine.connections_.set_deadline(connection, Clock::now() + engine.settings_.timeout);
  try {
    const auto* from = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    auto exchange = std::make_unique<HttpExchange>(
        engine.shared_, connection, target,
        from == nullptr ? base::Ip() : address_of(from->client_addr));
    hide_query(target);
    return exchange.release();
  } catch (const std::exception&) {
    return nullptr;  // out of memory; handle() gives the connection up
  }
}

bool HttpServer::Engine::advance(void* exchange, std::string_view method, std::string_view part) {
  if (exchange == nullptr) return false;
  try {
    return static_cast<HttpExchange*>(exchange)->advance(method, part);
  } catch (const std::exception&) {
    return false;  // out of memory: this connection ends
  }
}

void HttpServer::Engine::end(void* cls, MHD_Connection* connection, void** exchange,
                             MHD_RequestTerminationCode) {
  auto& engine = *static_cast<Engine*>(cls);
  delete static_cast<HttpExchange*>(std::exchange(*exchange, nullptr));
  engine.connections_.set_deadline(connection, Clock::now() + engine.settings_.timeout);
}

base::Status HttpServer::Engine::start(std::unique_ptr<HttpListener> listener) {
  if (base::Status room = make_room_for(settings_.limits.all); !room) return room;
  const bool has_tls = !settings_.certificate.empty();
  const auto number = [](auto value) { return static_cast<std::intptr_t>(value); };
  // Our own count of connections is the one that refuses; the library's is for each of its threads.
  std::vector<MHD_OptionItem> options = {
      {MHD_OPTION_LISTEN_SOCKET, listener->fd(), nullptr},
      {MHD_OPTION_THREAD_POOL_SIZE, kPollThreads, nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, number(2 * kPollThreads * settings_.limits.all), nullptr},
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, number(kConnectionBytes), nullptr},
      {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
      {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<std::intptr_t>(&Engine::notice), this},
      {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<std::intptr_t>(&Engine::end), this},
      {MHD_OPTION_URI_LOG_CALLBACK, reinterpret_cast<std::intptr_t>(&Engine::begin), this}};
  if (has_tls) {
    options.push_back({MHD_OPTION_HTTPS_MEM_CERT, 0, settings_.certificate.data()});
    options.push_back({MHD_OPTION_HTTPS_MEM_KEY, 0, settings_.key.data()});
    static constexpr const char* kPriorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    options.push_back({MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(kPriorities)});
  }
  options.push_back({MHD_OPTION_END, 0, nullptr});
  const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
                         MHD_USE_ERROR_LOG | (has_tls ? unsigned{MHD_USE_TLS} : 0u);
  daemon_ = MHD_start_daemon(flags, 0, &Engine::admit, this, &Engine::handle, this,
                             MHD_OPTION_EXTERNAL_LOGGER, &Engine::log, this, MHD_OPTION_ARRAY,
                             options.data(), MHD_OPTION_END);
  if (daemon_ == nullptr)
    return base::Error{fmt::format(
        "api.listen: the HTTP server does not start: {}{}",
        complaint_.empty() ? "no reason is given\n" : complaint_,
        has_tls ? "are api.tls_certificate and api.tls_key PEM files that belong together?" : "")};
  is_running_ = true;
  listener->release();  // the library closes it
  time_keeper_ = std::jthread([this](const std::stop_token& token) { keep_time(token); });
  return {};
}

void HttpServer::Engine::keep_time(const std::stop_token& token) {
  while (!token.stop_requested()) {
    const auto now = Clock::now();
    shared_.feed.pump(now);
    connections_.cut_overdue(now);
    std::this_thread::sleep_for(kTick);
  }
}

// Nothing may be suspended when the library stops: it would end the process.
void HttpServer::Engine::stop() {
  if (daemon_ == nullptr) return;
  time_keeper_.request_stop();
  time_keeper_.join();
  pool_.stop();        // what waits is answered; what comes is refused
  shared_.feed.end();  // streams are awake and end
  MHD_stop_daemon(std::exchange(daemon_, nullptr));
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(Settings settings,
                                                            std::unique_ptr<HttpListener> listener,
                                                            Api& api, EventFeed& feed) {
  auto engine = std::make_unique<Engine>(std::move(settings), api, feed);
  if (base::Status started = engine->start(std::move(listener)); !started) return started.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(engine)));
}

HttpServer::HttpServer(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
HttpServer::~HttpServer() = default;

}  // namespace edgesentry::serve
