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
#include <set>
#include <system_error>
#include <utility>

#include "guard/walk.h"

namespace edgesentry::guard {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOurName = "edgesentry";
constexpr std::array kJournals = {"", "-wal", "-shm"};  // a file, and what SQLite puts beside it
constexpr int kFilesMax = 4096;                         // of one folder: logs and their old ones

// Device and inode: one name of many says nothing.
using Identity = std::pair<dev_t, ino_t>;
using Identities = std::set<Identity>;

Identity identity_of(const struct stat& about) {
  return {about.st_dev, about.st_ino};
}

// Every folder on the way to a place that has to stay what it is: whoever owns one of them can put
// another configuration there, and root reads it at the next start.
Identities folders_to_keep(std::span<const Needed> places) {
  Identities kept;
  const auto keep = [&kept](const fs::path& file) {
    for (fs::path at = file; at.has_relative_path();) {
      at = at.parent_path();
      struct stat about {};
      if (::stat(at.c_str(), &about) == 0) kept.insert(identity_of(about));
    }
  };
  for (const Needed& place : places) {
    if (place.use != Use::read && place.use != Use::keep) continue;
    std::error_code fault;
    keep(place.path);
    if (const fs::path real = fs::weakly_canonical(place.path, fault); !fault) keep(real);
  }
  return kept;
}

struct Giving {
  const Account& account;
  Gifts* planned = nullptr;  // there: nothing is done but noted
};

// What root does not own is somebody's decision. A failure shows when the place is tried out.
void give(int fd, const struct stat& about, const Giving& giving, const fs::path& path) {
  const Account& account = giving.account;
  if (about.st_uid != 0 || account.user == 0) return;
  if (giving.planned == nullptr)
    static_cast<void>(::fchownat(fd, "", account.user, account.group, AT_EMPTY_PATH));
  else if (const mode_t own = S_ISDIR(about.st_mode) ? S_IRWXU : S_IRUSR | S_IWUSR;
           (about.st_mode & own) == own)  // or else its owner cannot use it either
    giving.planned->given.insert(path.string());
}

void give_file(int folder, const char* name, const Giving& giving, const fs::path& path) {
  const Descriptor file(::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat about {};
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) return;
  // A file with a second name may be one of the system's that somebody linked here.
  if (S_ISREG(about.st_mode) && about.st_nlink == 1) give(file.get(), about, giving, path / name);
  if (giving.planned != nullptr && about.st_uid != giving.account.user &&
      !giving.planned->given.contains((path / name).string()))
    giving.planned->left.insert((path / name).string());
}

void give_files_in(int folder, const Giving& giving, const fs::path& path) {
  const int readable = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (readable < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(readable), ::closedir);
  if (!listing) return;
  for (int i = 0; i < kFilesMax; ++i) {
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr) return;
    give_file(folder, entry->d_name, giving, path);
  }
}

bool is_others(const struct stat& folder, const Account& account) {
  return (folder.st_uid != 0 && folder.st_uid != account.user) ||
         (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

// `named`: the files in it that the configuration means.
void give_folder(const fs::path& path, std::span<const std::string> named, const Giving& giving,
                 const Identities& kept) {
  const Folder folder = walk_to(path, giving.planned == nullptr);
  // Where others can put files, a file of root's may be one that they moved there.
  if (folder.place.get() < 0 || is_others(folder.about, giving.account)) return;
  for (const std::string& name : named) give_file(folder.place.get(), name.c_str(), giving, path);
  if (!folder.is_made && folder.name != kOurName) return;
  if (kept.contains(identity_of(folder.about))) return;
  give_files_in(folder.place.get(), giving, path);
  give(folder.place.get(), folder.about, giving, path);
}

void give_all(const Giving& giving, std::span<const Needed> places) {
  const Identities kept = folders_to_keep(places);
  for (const Needed& place : places) {
    if (place.path.empty() || place.use == Use::read || place.use == Use::keep) continue;
    const fs::path path = place.path;
    std::vector<std::string> named;
    if (place.use == Use::write)
      for (const char* more : kJournals) named.push_back(path.filename().string() + more);
    give_folder(place.use == Use::folder ? path : path.parent_path(), named, giving, kept);
  }
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

// Who is to reach places, and what will be its own by then.
struct Reach {
  const Account& account;
  const Identities kept;
  const Gifts& gifts;

  [[nodiscard]] bool will_own(const fs::path& path) const {
    return gifts.given.contains(path.string());
  }
};

std::string how_to_open(const fs::path& folder, const Reach& reach) {
  const Account& account = reach.account;
  fs::path at;
  for (const fs::path& part : folder) {
    at /= part;
    if (reach.will_own(at)) return {};
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

std::string trouble_with_disk(const fs::path& place, int error) {
  if (error == EROFS) return fmt::format("{} is on a disk that is read-only", place.string());
  return fmt::format("{}: {}; look at its disk", place.string(), std::strerror(error));
}

// Empty: the folder can be entered, and files made in it.
std::string trouble_with_folder(const fs::path& folder, const Reach& reach) {
  const Account& account = reach.account;
  if (std::string closed = how_to_open(folder, reach); !closed.empty()) return closed;
  if (reach.will_own(folder)) return {};
  if (!is_there(folder) || can(folder, W_OK | X_OK)) return {};
  if (errno != EACCES) return trouble_with_disk(folder, errno);
  struct stat about {};
  const bool is_known = ::stat(folder.c_str(), &about) == 0;
  if (is_known && reach.kept.contains(identity_of(about)))
    return fmt::format(
        "name a folder of its own; {} leads to the configuration or a program, which that user "
        "must not exchange",
        folder.string());
  if (is_known && about.st_uid == account.user)
    return fmt::format("let its owner write there: chmod u+rwx {}", folder.string());
  return fmt::format("give it the folder: chown {} {}", account.user, folder.string());
}

// Empty: it can be read and written, or is not there yet.
std::string trouble_with_file(const fs::path& file, const Reach& reach) {
  const Account& account = reach.account;
  if (reach.will_own(file)) return {};
  // That user cannot look into the folder yet.
  if (reach.will_own(file.parent_path()) && !reach.gifts.left.contains(file.string())) return {};
  if (!is_there(file) || can(file, R_OK | W_OK)) return {};
  if (errno != EACCES) return trouble_with_disk(file, errno);
  struct stat about {};
  if (::lstat(file.c_str(), &about) == 0 && !S_ISREG(about.st_mode))
    return fmt::format("move {} away, which is a link or no file at all", file.string());
  if (::stat(file.c_str(), &about) == 0 && about.st_uid == account.user)
    return fmt::format("let its owner write it, and its journals: chmod u+rw {}*", file.string());
  return fmt::format("give it the file: chown {} {}", account.user, file.string());
}

std::string trouble_with(const Needed& place, const Reach& reach) {
  const Account& account = reach.account;
  const fs::path path = place.path, folder = path.parent_path();
  std::string remedy;
  switch (place.use) {
    case Use::read:
      remedy = how_to_open(folder, reach);
      if (remedy.empty() && is_there(path) && !can(path, R_OK))
        remedy = fmt::format("let it read the file: chgrp {} {} && chmod 640 {}", account.group,
                             place.path, place.path);
      return remedy.empty() ? remedy : sentence(place, account, "read", remedy);
    case Use::folder:
      remedy = trouble_with_folder(path, reach);
      return remedy.empty() ? remedy : sentence(place, account, "written", remedy);
    case Use::remove:
      remedy = trouble_with_folder(folder, reach);
      return remedy.empty() ? remedy : sentence(place, account, "removed at the end", remedy);
    case Use::keep:
      return {};
    case Use::write:
      break;
  }
  remedy = trouble_with_folder(folder, reach);
  for (const char* more : kJournals)
    if (remedy.empty()) remedy = trouble_with_file(place.path + more, reach);
  return remedy.empty() ? remedy : sentence(place, account, "written", remedy);
}

}  // namespace

void hand_over(const Account& account, std::span<const Needed> places) {
  give_all({.account = account}, places);
}

Gifts would_hand_over(const Account& account, std::span<const Needed> places) {
  Gifts gifts;
  give_all({.account = account, .planned = &gifts}, places);
  return gifts;
}

std::vector<std::string> open_to_all(std::span<const Needed> places) {
  std::vector<std::string> sentences;
  for (const Needed& place : places) {
    if (place.use == Use::keep) continue;
    const fs::path folder =
        place.use == Use::folder ? fs::path(place.path) : fs::path(place.path).parent_path();
    struct stat about {};
    if (::stat(folder.c_str(), &about) != 0 || (about.st_mode & S_IWOTH) == 0) continue;
    sentences.push_back(fmt::format(
        "{}: everybody can write to {}, and put another file in the place of {}; keep it in a "
        "folder that only its user can write",
        place.key, folder.string(), place.path));
  }
  return sentences;
}

std::vector<OutOfReach> out_of_reach(const Account& account, std::span<const Needed> places,
                                     const Gifts& gifts) {
  const Reach reach{account, folders_to_keep(places), gifts};
  const AsAccount as(account);
  std::vector<OutOfReach> found;
  for (const Needed& place : places) {
    if (place.path.empty()) continue;
    const bool is_written = place.use == Use::write || place.use == Use::folder;
    if (std::string trouble = trouble_with(place, reach); !trouble.empty())
      found.push_back({std::move(trouble), is_written});
  }
  return found;
}

}  // namespace edgesentry::guard
