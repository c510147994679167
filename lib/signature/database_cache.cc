#include <fcntl.h>
#include <fmt/format.h>
#include <hs/hs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "signature/database_builder.h"

namespace edgesentry::signature {
namespace {

constexpr std::size_t kCacheBytesMax = 64 * 1024 * 1024;
constexpr std::uint64_t kMagic = 0x3130677369736765;  // "egsisg01": a new layout takes a new one

struct Head {
  std::uint64_t magic = kMagic;
  std::uint64_t made_of = 0;   // the pattern file, Hyperscan and the processor
  std::uint64_t checksum = 0;  // of everything behind the head
  std::uint64_t sizes[kParts] = {};
};
static_assert(sizeof(Head) == (3 + kParts) * sizeof(std::uint64_t), "no holes: it goes to disk");

std::string_view bytes_of(const auto& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::uint64_t made_of(const PatternFile& file) {
  hs_platform_info_t platform{};
  // A processor that cannot be asked is one that is not told apart; Hyperscan checks it again.
  static_cast<void>(hs_populate_platform(&platform));
  std::uint64_t hash = fingerprint(bytes_of(file.fingerprint));
  hash = fingerprint(hs_version(), hash);
  hash = fingerprint(bytes_of(platform.tune), hash);
  return fingerprint(bytes_of(platform.cpu_features), hash);
}

enum class CacheFate { missing, unreadable, untrusted, foreign, damaged, good };

CacheFate take_parts(std::string_view bytes, const Head& head, Parts& parts) {
  for (std::size_t part = 0; part < kParts; ++part) {
    if (head.sizes[part] > bytes.size()) return CacheFate::damaged;
    if (head.sizes[part] == 0) continue;
    hs_database_t* database = nullptr;
    const hs_error_t result = hs_deserialize_database(bytes.data(), head.sizes[part], &database);
    if (result == HS_DB_VERSION_ERROR || result == HS_DB_PLATFORM_ERROR) return CacheFate::foreign;
    if (result != HS_SUCCESS) return CacheFate::damaged;
    parts[part].reset(database);
    bytes.remove_prefix(head.sizes[part]);
  }
  return bytes.empty() ? CacheFate::good : CacheFate::damaged;
}

// Nobody but root and this user can have written what stands in the file.
bool is_trusted(const struct stat& about) {
  return (about.st_uid == 0 || about.st_uid == geteuid()) &&
         (about.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// What was asked about is what is read, whatever happens to the path meanwhile.
CacheFate read_bytes(const std::string& path, std::string& bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return errno == ENOENT ? CacheFate::missing : CacheFate::unreadable;
  const auto read_all = [&] {
    struct stat about {};
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return CacheFate::unreadable;
    if (!is_trusted(about)) return CacheFate::untrusted;
    if (about.st_size > static_cast<off_t>(kCacheBytesMax)) return CacheFate::damaged;
    bytes.resize(static_cast<std::size_t>(about.st_size));
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t got = read(file, bytes.data() + at, bytes.size() - at);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return got < 0 ? CacheFate::unreadable : CacheFate::damaged;
      at += static_cast<std::size_t>(got);
    }
    return CacheFate::good;
  };
  const CacheFate fate = read_all();
  close(file);
  return fate;
}

CacheFate read_cache(const std::string& path, const PatternFile& file, Parts& parts) {
  std::string text;
  if (const CacheFate fate = read_bytes(path, text); fate != CacheFate::good) return fate;
  std::string_view bytes = text;
  Head head;
  if (bytes.size() < sizeof(head)) return CacheFate::damaged;
  std::memcpy(&head, bytes.data(), sizeof(head));
  bytes.remove_prefix(sizeof(head));
  if (head.magic != kMagic) return CacheFate::damaged;
  if (head.made_of != made_of(file)) return CacheFate::foreign;
  if (head.checksum != fingerprint(bytes)) return CacheFate::damaged;
  const DatabaseBuilder builder(file);
  for (std::size_t part = 0; part < kParts; ++part)
    if ((head.sizes[part] != 0) != builder.is_part_used(part)) return CacheFate::damaged;
  return take_parts(bytes, head, parts);
}

std::string serialise(const PatternFile& file, const Parts& parts) {
  Head head;
  head.made_of = made_of(file);
  std::string body;
  for (std::size_t part = 0; part < kParts; ++part) {
    if (!parts[part]) continue;
    char* bytes = nullptr;
    std::size_t size = 0;
    if (hs_serialize_database(parts[part].get(), &bytes, &size) != HS_SUCCESS) return {};
    body.append(bytes, size);
    std::free(bytes);  // the library's default allocator
    head.sizes[part] = size;
  }
  head.checksum = fingerprint(body);
  return std::string(bytes_of(head)) + body;
}

bool write_whole(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote == 0) errno = EIO;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return fsync(descriptor) == 0;
}

// 0, or the error number. Readers see the old file or the new one, never a part of it.
int write_cache(const std::string& path, std::string_view bytes) {
  if (bytes.empty()) return ENOMEM;
  std::string temporary = path + ".XXXXXX";
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return errno;
  int fault = write_whole(descriptor, bytes) && fchmod(descriptor, 0644) == 0 ? 0 : errno;
  if (close(descriptor) != 0 && fault == 0) fault = errno;
  if (fault == 0 && rename(temporary.c_str(), path.c_str()) != 0) fault = errno;
  if (fault != 0) unlink(temporary.c_str());
  return fault;
}

std::string notice_of(CacheFate fate, const std::string& path) {
  switch (fate) {
    case CacheFate::unreadable:
      return fmt::format("{}: the cache of patterns cannot be read; they were compiled", path);
    case CacheFate::untrusted:
      return fmt::format(
          "{}: others than root and the user who runs this may have written it; it was not looked "
          "at, and made anew",
          path);
    case CacheFate::foreign:
      return fmt::format(
          "{}: made for other patterns, another Hyperscan or another processor; it was made anew",
          path);
    case CacheFate::damaged:
      return fmt::format("{}: the cache of patterns is damaged; it was made anew", path);
    case CacheFate::missing:
    case CacheFate::good:
      break;
  }
  return {};
}

}  // namespace

Compiled open_cached(const PatternFile& file, const std::string& cache_path) {
  Compiled compiled;
  compiled.problems = file.problems;
  if (!file.usable()) return compiled;
  DatabaseBuilder builder(file);
  {
    Parts parts;
    const CacheFate fate = read_cache(cache_path, file, parts);
    compiled.notice = notice_of(fate, cache_path);
    if (fate == CacheFate::good) {
      compiled.database = builder.assemble(std::move(parts));
      compiled.from_cache = compiled.is_kept = true;
      return compiled;
    }
  }
  Parts parts;
  if (!builder.compile_parts(parts)) {
    compiled.problems = std::move(builder.problems());
    return compiled;
  }
  const int fault = write_cache(cache_path, serialise(file, parts));
  compiled.is_kept = fault == 0;
  if (fault != 0)
    compiled.notice = fmt::format(
        "{}: cannot be written: {}; patterns are compiled at each start until it can: "
        "give the user who runs this the right to write there, or set payload.cache",
        cache_path, std::strerror(fault));
  compiled.database = builder.assemble(std::move(parts));
  return compiled;
}

}  // namespace edgesentry::signature
