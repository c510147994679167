#include "serve/api_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "config/secret_file.h"

namespace edgesentry::serve {
namespace {

constexpr std::size_t kTokenMin = 32;
constexpr std::size_t kTokenMax = 512;
constexpr std::size_t kRandomBytes = 32;
constexpr mode_t kFolderMode = 0750;

base::Error cannot_make(const std::string& key, const std::string& path, int error) {
  return {
      fmt::format("{}: {} is missing and cannot be made: {}; make it with: (umask 077; openssl "
                  "rand -hex 32 > {})",
                  key, path, std::strerror(error), path)};
}

// Only the last folder, as with the file of the state. By the opened folder, which nobody can have
// exchanged for another one that is not ours.
void make_folder(const std::filesystem::path& folder, std::optional<uid_t> heir) {
  if (::mkdir(folder.c_str(), kFolderMode) != 0 || !heir) return;
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat about {};
  // What does not succeed leaves it root's, who reads it at every start.
  if (fd >= 0 && ::fstat(fd, &about) == 0 && about.st_uid == ::geteuid() &&
      (about.st_mode & 07777u & ~kFolderMode) == 0)
    static_cast<void>(::fchown(fd, *heir, static_cast<gid_t>(-1)));
  if (fd >= 0) ::close(fd);
}

base::Status make_token(const std::string& key, const std::string& path,
                        std::optional<uid_t> heir) {
  make_folder(std::filesystem::path(path).parent_path(), heir);
  std::array<unsigned char, kRandomBytes> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    return base::Error{key + ": the kernel gave no random bytes for a token"};
  std::string text;
  for (const unsigned char byte : random) text += fmt::format("{:02x}", byte);
  text += '\n';
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return cannot_make(key, path, errno);
  const bool is_made = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       (!heir || ::fchown(fd, *heir, static_cast<gid_t>(-1)) == 0);
  const int error = errno;
  ::close(fd);
  if (is_made) return {};
  ::unlink(path.c_str());
  return cannot_make(key, path, error);
}

// RFC 6750 section 2.1: b64token.
bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

bool is_equal(std::string_view given, std::string_view right) noexcept {
  if (right.empty()) return false;
  unsigned differs = given.size() == right.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    differs |=
        static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(right[i % right.size()]);
  return differs == 0;
}

}  // namespace

base::Result<std::string> take_token(const std::string& key, const std::string& path,
                                     const std::function<void(const std::string&)>& say,
                                     std::optional<uid_t> heir) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 && errno == ENOENT) {
    if (base::Status made = make_token(key, path, heir); !made) return made.error();
    say(fmt::format("{}: made {} with a random token", key, path));
  }
  auto text = config::read_secret_file(key, path, heir);
  if (!text) return text.error();
  std::string token = std::move(text).value();
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.size() < kTokenMin || token.size() > kTokenMax ||
      !std::ranges::all_of(token, is_token_character))
    return base::Error{
        fmt::format("{}: {} holds no token of {} to {} letters, digits and -._~+/= in one line; "
                    "make one with: (umask 077; openssl rand -hex 32 > {})",
                    key, path, kTokenMin, kTokenMax, path)};
  return token;
}

ApiRight right_of(const ApiTokens& tokens, std::string_view authorization) noexcept {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size() || authorization.size() > kTokenMax + kScheme.size())
    return ApiRight::none;
  for (std::size_t i = 0; i < kScheme.size(); ++i)
    if ((static_cast<unsigned char>(authorization[i]) | 0x20) != kScheme[i]) return ApiRight::none;
  const std::string_view given = authorization.substr(kScheme.size());
  const bool may_change = is_equal(given, tokens.change);
  const bool may_look = is_equal(given, tokens.look);
  if (may_change) return ApiRight::change;
  return may_look ? ApiRight::look : ApiRight::none;
}

base::Ip client_of(const base::Ip& address) noexcept {
  if (address.is_v4()) return address;
  auto bytes = address.bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return base::Ip::from_bytes(bytes);
}

std::optional<std::chrono::seconds> ClientRates::take(const base::Ip& address, Time now) {
  const base::Ip client = client_of(address);
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(client);
  if (found != index_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
  } else {
    if (buckets_.size() >= clients_max_) {
      index_.erase(buckets_.back().client);
      buckets_.pop_back();
    }
    buckets_.push_front({client, rate_.at_once, now});
    index_[client] = buckets_.begin();
  }
  Bucket& bucket = buckets_.front();
  const std::chrono::duration<double> passed = now - bucket.at;
  bucket.at = now;
  bucket.left = std::min(rate_.at_once, bucket.left + passed.count() * rate_.per_second);
  if (bucket.left >= 1) {
    bucket.left -= 1;
    return std::nullopt;
  }
  const double wait = std::ceil((1 - bucket.left) / rate_.per_second);
  return std::chrono::seconds(std::max(1, static_cast<int>(wait)));
}

std::size_t ClientRates::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace edgesentry::serve
