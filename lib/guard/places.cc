#include "guard/places.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

namespace edgesentry::guard {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOurName = "edgesentry";
constexpr mode_t kFolderMode = 0750;
constexpr int kFilesMax = 4096;  // of one folder: logs and their old ones

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// What root does not own is somebody's decision. A failure shows when the place is tried out.
void give(int fd, const struct stat& about, const Account& account) {
  if (about.st_uid != 0 || account.user == 0) return;
  static_cast<void>(::fchownat(fd, "", account.user, account.group, AT_EMPTY_PATH));
}

void give_file(int folder, const char* name, const Account& account) {
  const Descriptor file(::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return;
  // A file with a second name may be one of the system's that somebody linked here.
  if (S_ISREG(about.st_mode) && about.st_nlink == 1) give(file.get(), about, account);
}

void give_files_in(int folder, const Account& account) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(::dup(folder)), ::closedir);
  if (!listing) return;
  for (int i = 0; i < kFilesMax; ++i) {
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr) return;
    give_file(folder, entry->d_name, account);
  }
}

void give_folder(const fs::path& path, const Account& account) {
  const bool is_made = ::mkdir(path.c_str(), kFolderMode) == 0;
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (folder.get() < 0 || ::fstat(folder.get(), &about) != 0) return;
  if (!is_made && path.filename() != kOurName) return;
  give_files_in(folder.get(), account);
  give(folder.get(), about, account);
}

// This thread's files are that user's for a moment; root's other rights stay.
class AsAccount {
 public:
  explicit AsAccount(const Account& account) : before_(static_cast<std::size_t>(kGroupsMax)) {
    const int count = ::getgroups(kGroupsMax, before_.data());
    before_.resize(static_cast<std::size_t>(count > 0 ? count : 0));
    // The system call itself: glibc would change every thread.
    ::syscall(SYS_setgroups, account.groups.size(), account.groups.data());
    group_ = static_cast<gid_t>(::setfsgid(account.group));
    user_ = static_cast<uid_t>(::setfsuid(account.user));
  }
  ~AsAccount() {
    ::setfsuid(user_);
    ::setfsgid(group_);
    ::syscall(SYS_setgroups, before_.size(), before_.data());
  }
  AsAccount(const AsAccount&) = delete;
  AsAccount& operator=(const AsAccount&) = delete;

 private:
  static constexpr int kGroupsMax = 1024;
  std::vector<gid_t> before_;
  gid_t group_ = 0;
  uid_t user_ = 0;
};

bool can(const fs::path& path, int how) {
  return ::faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0;
}

bool is_there(const fs::path& path) {
  return can(path, F_OK) || errno != ENOENT;
}

std::string how_to_open(const fs::path& folder, const Account& account) {
  fs::path at;
  for (const fs::path& part : folder) {
    at /= part;
    if (!can(at, X_OK) && errno == EACCES)
      return fmt::format("let {} enter {}: chgrp {} {} && chmod g+x {}", account.name, at.string(),
                         account.group, at.string(), at.string());
  }
  return {};
}

std::string sentence(const Needed& place, const Account& account, std::string_view verb,
                     const std::string& remedy) {
  return fmt::format("{}: after the drop to user {}, {} cannot be {}: {}", place.key, account.name,
                     place.path, verb, remedy);
}

// Empty: the folder can be entered, and files made in it.
std::string trouble_with_folder(const fs::path& folder, const Account& account) {
  if (std::string closed = how_to_open(folder, account); !closed.empty()) return closed;
  if (!is_there(folder) || can(folder, W_OK | X_OK)) return {};
  if (errno == EROFS) return fmt::format("{} is on a disk that is read-only", folder.string());
  return fmt::format("give it the folder: chown {} {}", account.user, folder.string());
}

std::string trouble_with(const Needed& place, const Account& account) {
  const fs::path path = place.path, folder = path.parent_path();
  std::string remedy;
  switch (place.use) {
    case Use::read:
      remedy = how_to_open(folder, account);
      if (remedy.empty() && is_there(path) && !can(path, R_OK))
        remedy = fmt::format("let it read the file: chgrp {} {} && chmod 640 {}", account.group,
                             place.path, place.path);
      return remedy.empty() ? remedy : sentence(place, account, "read", remedy);
    case Use::folder:
      remedy = trouble_with_folder(path, account);
      return remedy.empty() ? remedy : sentence(place, account, "written", remedy);
    case Use::remove:
      remedy = trouble_with_folder(folder, account);
      return remedy.empty() ? remedy : sentence(place, account, "removed at the end", remedy);
    case Use::secret:
      remedy = how_to_open(folder, account);
      if (remedy.empty() && is_there(path) && !can(path, R_OK))
        remedy = fmt::format("give it the file, because nobody else may read it: chown {} {}",
                             account.user, place.path);
      return remedy.empty() ? remedy : sentence(place, account, "read", remedy);
    case Use::write:
      break;
  }
  remedy = trouble_with_folder(folder, account);
  if (remedy.empty() && is_there(path) && !can(path, R_OK | W_OK) && errno == EACCES)
    remedy = fmt::format("give it the file: chown {} {}", account.user, place.path);
  return remedy.empty() ? remedy : sentence(place, account, "written", remedy);
}

}  // namespace

void hand_over(const Account& account, std::span<const Needed> places) {
  for (const Needed& place : places) {
    if (place.path.empty() || place.use == Use::read) continue;
    const fs::path path = place.path;
    give_folder(place.use == Use::folder ? path : path.parent_path(), account);
    // SQLite's journals belong to the file.
    if (place.use == Use::write)
      for (const char* more : {"", "-wal", "-shm"})
        give_file(AT_FDCWD, (place.path + more).c_str(), account);
  }
}

std::vector<std::string> out_of_reach(const Account& account, std::span<const Needed> places) {
  const AsAccount as(account);
  std::vector<std::string> sentences;
  for (const Needed& place : places) {
    if (place.path.empty()) continue;
    if (std::string trouble = trouble_with(place, account); !trouble.empty())
      sentences.push_back(std::move(trouble));
  }
  return sentences;
}

}  // namespace edgesentry::guard
