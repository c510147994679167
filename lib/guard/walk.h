// The way to a folder that is to be handed over: no step of it can be another user's choice.
//
// Symbolic links are followed only where they stand in a folder that root alone can change; any
// other one ends the walk. What is found is held open, so that it cannot be exchanged afterwards.
// Called by main, as root.
#pragma once

#include <sys/stat.h>

#include <string>

namespace edgesentry::guard {

class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

struct Folder {
  Descriptor place;  // O_PATH; below zero: not reached
  std::string name;  // its own, not that of a link to it
  struct stat about {};
  bool is_made = false;
};

// `path` is absolute. `makes`: the last folder, with mode 0750, when it is missing.
[[nodiscard]] Folder walk_to(const std::string& path, bool makes);

}  // namespace edgesentry::guard
