// Starts a program as a process of its own: its own group, no signal blocked or ignored, no file
// but those that are passed on. posix_spawn(3) with an owner.
//
// Owner: one thread; never a worker. Steps return 0 or an errno, and are taken in order:
//   SpawnPlan plan;  plan.open(0, "/dev/null", O_RDONLY);  plan.close_from(3);
//   plan.spawn(pid, arguments, environment);
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <span>
#include <string>

namespace edgesentry::base {

class SpawnPlan {
 public:
  SpawnPlan();
  ~SpawnPlan();
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  [[nodiscard]] int open(int fd, const char* path, int flags);
  [[nodiscard]] int pass_on(int fd, int as);
  [[nodiscard]] int close_from(int fd);
  // The first argument is the program, with its whole path.
  [[nodiscard]] int spawn(pid_t& pid, std::span<const std::string> arguments,
                          std::span<const std::string> environment);

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t files_;
};

}  // namespace edgesentry::base
