// A client of the command socket that waits for what it asked for, and a directory for the socket.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace edgesentry::serve {

class SocketDirectory {
 public:
  SocketDirectory() {
    std::string pattern = testing::TempDir() + "edgesentry.XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~SocketDirectory() { std::filesystem::remove_all(path_); }
  SocketDirectory(const SocketDirectory&) = delete;
  SocketDirectory& operator=(const SocketDirectory&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

class Client {
 public:
  explicit Client(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    is_connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool is_connected() const { return is_connected_; }
  [[nodiscard]] int fd() const { return fd_; }

  // What the server has closed meanwhile is not an error here: the reply tells.
  void write(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }
  void end_writing() { shutdown(fd_, SHUT_WR); }

  // Without its newline; empty when the server closed the connection.
  std::string read_line() {
    for (;;) {
      const std::size_t end = received_.find('\n');
      if (end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        return line;
      }
      char bytes[65536];
      const ssize_t count = recv(fd_, bytes, sizeof(bytes), 0);
      if (count <= 0) return {};
      received_.append(bytes, static_cast<std::size_t>(count));
    }
  }
  nlohmann::json ask(const std::string& line) {
    write(line + '\n');
    return nlohmann::json::parse(read_line(), nullptr, false);
  }
  // Reads until the server closes.
  [[nodiscard]] bool was_closed() {
    while (!read_line().empty()) {
    }
    return true;
  }

 private:
  int fd_;
  bool is_connected_ = false;
  std::string received_;
};

}  // namespace edgesentry::serve
