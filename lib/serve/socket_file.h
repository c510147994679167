// A listening unix socket as a file: its permissions are the access control, so they are in force
// before the first connection is possible. Refuses to take over from a live server, removes what a
// dead one left, and removes its own file at the end unless it is no longer its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace edgesentry::serve {

class SocketFile {
 public:
  // Mode 0600, or 0660 with the named group. Makes the directory when it is missing.
  static base::Result<std::unique_ptr<SocketFile>> listen(const std::string& path,
                                                          const std::string& group);
  // Whether listen() could clear the way. `is_alive`: another instance answers there.
  [[nodiscard]] static base::Status check(const std::string& path, bool& is_alive);
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  SocketFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  base::Status bind_and_listen(const std::string& group);
  [[nodiscard]] base::Error trouble(const char* what, int error, const char* remedy) const;

  std::string path_;
  int fd_;
  bool is_bound_ = false;
  dev_t device_ = 0;  // of the file that bind() made
  ino_t inode_ = 0;
};

}  // namespace edgesentry::serve
