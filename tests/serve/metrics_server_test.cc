#include "serve/metrics_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>

#include "full_links.h"

namespace edgesentry::serve {
namespace {

std::string fetch(std::uint16_t port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL), ssize_t(request.size()));
    char bytes[4096];
    for (ssize_t count = 0; (count = recv(fd, bytes, sizeof(bytes), 0)) > 0;)
      answer.append(bytes, static_cast<std::size_t>(count));
  }
  close(fd);
  return answer;
}

// Connected to a port of this machine, and silent until it goes.
class Idler {
 public:
  explicit Idler(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Idler() { close(fd_); }
  Idler(const Idler&) = delete;
  Idler& operator=(const Idler&) = delete;

 private:
  int fd_;
};

std::shared_ptr<Metrics> some_metrics() {
  return std::make_shared<Metrics>(MetricsLinks{});
}

TEST(MetricsServer, answers_a_scrape_and_survives_rubbish) {
  const auto metrics = some_metrics();
  auto server = MetricsServer::start("127.0.0.1:0", metrics);
  ASSERT_TRUE(server.ok()) << server.error().text;
  const std::uint16_t port = server.value()->port();
  fetch(port, "\x16\x03\x01 no http at all\r\n\r\n");
  fetch(port, std::string(100'000, 'A') + "\r\n\r\n");
  const std::string answer = fetch(port, "GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_NE(answer.find("200 OK"), std::string::npos);
  EXPECT_NE(answer.find("\nedgesentry_up 1\n"), std::string::npos) << answer;
}

TEST(MetricsServer, answers_a_scrape_beside_connections_that_say_nothing) {
  const std::chrono::hours for_ever(1);  // no silent one is ever sent away to make room
  const auto metrics = some_metrics();
  auto server = MetricsServer::start("127.0.0.1:0", metrics, for_ever);
  ASSERT_TRUE(server.ok()) << server.error().text;
  const std::uint16_t port = server.value()->port();
  std::deque<Idler> idlers;
  for (int i = 0; i < 12; ++i) idlers.emplace_back(port);
  const std::string answer = fetch(port, "GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_NE(answer.find("\nedgesentry_up 1\n"), std::string::npos) << answer;
}

TEST(MetricsServer, says_what_to_do_when_the_port_is_in_use) {
  const auto metrics = some_metrics();
  auto first = MetricsServer::start("127.0.0.1:0", metrics);
  ASSERT_TRUE(first.ok());
  const std::string taken = "127.0.0.1:" + std::to_string(first.value()->port());
  const auto second = MetricsServer::start(taken, metrics);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().text.find(taken), std::string::npos);
  EXPECT_NE(second.error().text.find("in use"), std::string::npos);
  const auto checked = MetricsServer::check(taken);
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().text.find(taken), std::string::npos);
  first.value().reset();
  EXPECT_TRUE(MetricsServer::check(taken).ok());
  EXPECT_TRUE(MetricsServer::start(taken, metrics).ok());
}

TEST(MetricsServer, refuses_an_address_that_is_not_the_machines_own) {
  EXPECT_FALSE(MetricsServer::start("192.0.2.1:9465", some_metrics()).ok());
  EXPECT_FALSE(MetricsServer::check("192.0.2.1:9465").ok());
}

TEST(MetricsServer, refuses_what_is_not_an_ipv4_address_and_a_port) {
  for (const char* listen : {"", "9465", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                             "127.0.0.1:9465s", "127.0.0.1:9465,0.0.0.0:80", "[::1]:9465",
                             "::ffff:127.0.0.1:9465", "localhost:9465", "127.0.0.1:-1"}) {
    const auto server = MetricsServer::start(listen, some_metrics());
    ASSERT_FALSE(server.ok()) << listen;
    EXPECT_NE(server.error().text.find("127.0.0.1:9465"), std::string::npos);
  }
}

}  // namespace
}  // namespace edgesentry::serve
