#include "base/spawn.h"

#include <signal.h>

#include <vector>

#include "base/check.h"

namespace edgesentry::base {

namespace {

// execve(2) takes char* and does not write.
std::vector<char*> pointers_to(std::span<const std::string> words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

SpawnPlan::SpawnPlan() {
  EDGESENTRY_CHECK(posix_spawnattr_init(&attributes_) == 0, "glibc's init only sets fields");
  EDGESENTRY_CHECK(posix_spawn_file_actions_init(&files_) == 0, "glibc's init only sets fields");
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes_, &none);
  posix_spawnattr_setsigdefault(&attributes_, &all);
  posix_spawnattr_setpgroup(&attributes_, 0);
  posix_spawnattr_setflags(&attributes_,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

SpawnPlan::~SpawnPlan() {
  posix_spawnattr_destroy(&attributes_);
  posix_spawn_file_actions_destroy(&files_);
}

int SpawnPlan::open(int fd, const char* path, int flags) {
  return posix_spawn_file_actions_addopen(&files_, fd, path, flags, 0);
}

int SpawnPlan::pass_on(int fd, int as) {
  return posix_spawn_file_actions_adddup2(&files_, fd, as);
}

int SpawnPlan::close_from(int fd) {
  return posix_spawn_file_actions_addclosefrom_np(&files_, fd);
}

int SpawnPlan::spawn(pid_t& pid, std::span<const std::string> arguments,
                     std::span<const std::string> environment) {
  std::vector<char*> argv = pointers_to(arguments);
  std::vector<char*> envp = pointers_to(environment);
  return posix_spawn(&pid, argv.front(), &files_, &attributes_, argv.data(), envp.data());
}

}  // namespace edgesentry::base
