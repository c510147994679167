// A listening TCP socket, taken before anything else is opened, so that a place in use is found out
// while the links are still as they were.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace edgesentry::serve {

class HttpListener {
 public:
  // "127.0.0.1:9466" or "[::1]:9466". An IPv6 socket takes IPv6 only.
  static base::Result<std::unique_ptr<HttpListener>> listen(const std::string& place);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  int release() noexcept;  // who takes it closes it

 private:
  explicit HttpListener(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace edgesentry::serve
