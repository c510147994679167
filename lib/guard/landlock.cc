// Numbers of linux/landlock.h, written out because Debian 12's header ends with ABI 2.
#include "guard/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace edgesentry::guard {
namespace {

constexpr std::uint64_t kExecute = 1u << 0, kWriteFile = 1u << 1, kReadFile = 1u << 2,
                        kReadDir = 1u << 3, kRemoveDir = 1u << 4, kRemoveFile = 1u << 5,
                        kMakeDir = 1u << 7, kMakeReg = 1u << 8, kMakeSock = 1u << 9;
constexpr std::uint64_t kOfAbi1 = (1u << 13) - 1;
constexpr std::uint64_t kRefer = 1u << 13, kTruncate = 1u << 14, kIoctlDevice = 1u << 15;
constexpr std::uint64_t kBindTcp = 1u << 0, kConnectTcp = 1u << 1;
constexpr int kPathBeneath = 1, kNetPort = 2, kAskVersion = 1;
constexpr int kAbiRefer = 2, kAbiTruncate = 3, kAbiNet = 4, kAbiIoctl = 5;

constexpr std::uint64_t kReading = kReadFile | kReadDir;
constexpr std::uint64_t kWriting =
    kReading | kWriteFile | kRemoveDir | kRemoveFile | kMakeDir | kMakeReg | kMakeSock | kTruncate;
constexpr std::uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDevice;

struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t net;  // from ABI 4 on
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};
struct NetPort {
  std::uint64_t allowed;
  std::uint64_t port;
};

std::uint64_t handled_by(int abi) {
  std::uint64_t handled = kOfAbi1;
  if (abi >= kAbiRefer) handled |= kRefer;
  if (abi >= kAbiTruncate) handled |= kTruncate;
  if (abi >= kAbiIoctl) handled |= kIoctlDevice;
  return handled;
}

base::Error trouble(const std::string& what) {
  return {fmt::format("Landlock: {}: {}; set privilege.landlock = \"off\"", what,
                      std::strerror(errno))};
}

base::Status open_path(int ruleset, const std::string& path, std::uint64_t allowed) {
  const int place = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (place < 0) return {};  // what is missing now is missing later, too, for this process
  struct stat about {};
  if (::fstat(place, &about) == 0 && !S_ISDIR(about.st_mode)) allowed &= kOfFiles;
  const PathBeneath rule{.allowed = allowed, .parent = place};
  const long added = ::syscall(SYS_landlock_add_rule, ruleset, kPathBeneath, &rule, 0);
  const int error = errno;
  ::close(place);
  errno = error;
  if (added != 0) return trouble(path);
  return {};
}

}  // namespace

int landlock_abi() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  return static_cast<int>(std::max(abi, 0L));
}

base::Result<Landlock> Landlock::make(const OpenPlaces& open) {
  const int abi = landlock_abi();
  if (abi == 0)
    return base::Error{
        "this kernel has no Landlock, or it is turned off: files stay as open as "
        "their permissions are"};
  const std::uint64_t handled = handled_by(abi);
  const RulesetAttributes attributes{.files = handled, .net = kBindTcp | kConnectTcp};
  const std::size_t size = abi >= kAbiNet ? sizeof attributes : sizeof attributes.files;
  const long fd = ::syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  if (fd < 0) return trouble("no ruleset");
  Landlock made(static_cast<int>(fd), abi);
  for (const std::string& path : open.readable)
    if (base::Status added = open_path(made.fd_, path, kReading & handled); !added)
      return added.error();
  for (const std::string& path : open.writable)
    if (base::Status added = open_path(made.fd_, path, kWriting & handled); !added)
      return added.error();
  // civetweb knocks at its own port until each of its threads has ended.
  if (abi >= kAbiNet)
    for (const std::uint16_t port : open.listened_ports) {
      const NetPort rule{.allowed = kBindTcp | kConnectTcp, .port = port};
      if (::syscall(SYS_landlock_add_rule, made.fd_, kNetPort, &rule, 0) != 0)
        return trouble(fmt::format("port {}", port));
    }
  return made;
}

Landlock::Landlock(Landlock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), abi_(other.abi_) {}

Landlock::~Landlock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace edgesentry::guard
