#include "store/log_image.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "store/stray_rows.h"

namespace edgesentry::store {

namespace {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

constexpr std::size_t kHeader = 32, kFrameHeader = 24, kChecked = 24, kFileHeader = 100;
constexpr std::size_t kSaltAt = 16, kSaltInFrame = 8, kSumInFrame = 16, kSaltBytes = 8;
constexpr std::uint32_t kMagic = 0x377f0682;  // the last bit: checksums are big-endian
constexpr std::uintmax_t kBytesMost = std::uintmax_t{1} << 30;
constexpr std::size_t kDiskPage = 4096;  // a write that is killed ends at one

std::uint32_t big(View at) noexcept {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         at[3];
}
void put_big(std::span<std::uint8_t> at, std::uint32_t value) noexcept {
  for (std::size_t i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

using Sum = std::array<std::uint32_t, 2>;

Sum sum_of(View bytes, Sum sum, bool is_big) noexcept {
  const auto word = [&](std::size_t at) {
    const std::uint32_t value = big(bytes.subspan(at, 4));
    return is_big ? value : __builtin_bswap32(value);
  };
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    sum[0] += word(i) + sum[1];
    sum[1] += word(i + 4) + sum[0];
  }
  return sum;
}

Sum stored(View at) noexcept {
  return {big(at), big(at.subspan(4))};
}

Bytes contents(const std::string& path) {
  std::error_code fault;
  const auto size = std::filesystem::file_size(path, fault);
  if (fault || size == 0 || size > kBytesMost) return {};
  std::ifstream file(path, std::ios::binary);
  Bytes bytes(static_cast<std::size_t>(size));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return bytes;
}

bool is_page_size(std::size_t size) noexcept {
  return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

class Log {
 public:
  Log(View bytes, View file) : bytes_(bytes) {
    const std::uint32_t magic = big(bytes);
    has_header_ = (magic & ~1u) == kMagic;
    is_big_ = has_header_ && (magic & 1u) != 0;
    page_ = big(bytes.subspan(8));
    has_header_ = has_header_ && is_page_size(page_) &&
                  sum_of(bytes.first(kChecked), {}, is_big_) == stored(bytes.subspan(kChecked));
    if (has_header_) {
      salts_ = bytes.subspan(kSaltAt, kSaltBytes);
      return;
    }
    page_ = file.size() >= kFileHeader ? std::size_t{file[16]} << 8 | file[17] : kDiskPage;
    if (page_ == 1) page_ = 65536;
    if (!is_page_size(page_)) page_ = kDiskPage;
    for (std::size_t i = 1; i < count() && salts_.empty(); ++i)
      if (is_sum_right(i)) salts_ = frame(i).subspan(kSaltInFrame, kSaltBytes);
  }

  [[nodiscard]] bool has_header() const noexcept { return has_header_; }
  [[nodiscard]] std::size_t page_bytes() const noexcept { return page_; }
  [[nodiscard]] std::size_t count() const noexcept {
    return (bytes_.size() - kHeader) / (kFrameHeader + page_);
  }
  [[nodiscard]] View page(std::size_t i) const { return frame(i).subspan(kFrameHeader); }
  [[nodiscard]] std::uint32_t number(std::size_t i) const { return big(frame(i)); }
  // Pages of the file after the commit that this frame ends; 0: it ends none.
  [[nodiscard]] std::uint32_t commits(std::size_t i) const { return big(frame(i).subspan(4)); }
  [[nodiscard]] bool is_of_this_log(std::size_t i) const {
    return !salts_.empty() &&
           std::ranges::equal(frame(i).subspan(kSaltInFrame, kSaltBytes), salts_);
  }
  // By the sum that stands in the frame before it.
  [[nodiscard]] bool is_whole(std::size_t i) const {
    return is_of_this_log(i) && number(i) > 0 && is_sum_right(i);
  }
  [[nodiscard]] bool is_cut() const noexcept {
    const std::size_t rest = (bytes_.size() - kHeader) % (kFrameHeader + page_);
    return rest != 0 && rest != kFrameHeader && bytes_.size() % kDiskPage != 0;
  }

 private:
  [[nodiscard]] View frame(std::size_t i) const {
    return bytes_.subspan(kHeader + i * (kFrameHeader + page_), kFrameHeader + page_);
  }
  [[nodiscard]] bool is_sum_right(std::size_t i) const {
    Sum sum = stored(i == 0 ? bytes_.subspan(kChecked) : frame(i - 1).subspan(kSumInFrame));
    sum = sum_of(frame(i).first(kSaltInFrame), sum, is_big_);
    return sum_of(page(i), sum, is_big_) == stored(frame(i).subspan(kSumInFrame));
  }

  View bytes_;
  bool has_header_ = false;
  bool is_big_ = false;
  std::size_t page_ = 0;
  View salts_;
};

// What of a log can be used.
struct Extent {
  std::size_t in_order = 0;   // frames up to the first that is not whole
  std::size_t committed = 0;  // of these, up to the last commit
  std::size_t end = 0;        // behind the last frame of this log
};

Extent extent_of(const Log& log) {
  Extent extent;
  if (log.has_header())
    for (; extent.in_order < log.count() && log.is_whole(extent.in_order); ++extent.in_order)
      if (log.commits(extent.in_order) != 0) extent.committed = extent.in_order + 1;
  for (std::size_t i = extent.in_order; i < log.count(); ++i)
    if (log.is_of_this_log(i)) extent.end = i + 1;
  return extent;
}

void lay(const Log& log, std::size_t i, Bytes& image) {
  // No log makes a file longer than by all of its pages.
  if (log.number(i) > image.size() / log.page_bytes() + log.count()) return;
  const std::size_t at = (std::size_t{log.number(i)} - 1) * log.page_bytes();
  if (image.size() < at + log.page_bytes()) image.resize(at + log.page_bytes());
  std::ranges::copy(log.page(i), image.begin() + static_cast<std::ptrdiff_t>(at));
}

// As a file without a log, and as long as it is.
void close_image(Bytes& image, std::size_t page) {
  if (image.size() < kFileHeader) return;
  image[18] = image[19] = 1;
  const std::span<std::uint8_t> bytes(image);
  put_big(bytes.subspan(28), static_cast<std::uint32_t>(image.size() / page));
  std::copy_n(image.begin() + 24, 4, image.begin() + 92);
}

using Known = std::unordered_set<base::Ip, base::IpHash>;

void add_unknown(std::vector<Record> found, Known& known, Rows& rows) {
  for (Record& record : found)
    if (known.insert(record.source).second) rows.records.push_back(std::move(record));
}

}  // namespace

LogImage look_at_log(const std::string& path, bool with_images) {
  LogImage image;
  const Bytes bytes = contents(path + "-wal");
  if (bytes.size() < kHeader + kFrameHeader) return image;
  image.file = contents(path);
  const Log log(bytes, image.file);
  const Extent extent = extent_of(log);
  image.frames = extent.in_order;
  image.is_cut = log.is_cut();
  image.is_damaged = !log.has_header() || extent.end > extent.in_order + 1 ||
                     (image.file.empty() && extent.committed > 0);
  if (!image.is_damaged && !with_images) return image;
  image.committed = image.file;
  for (std::size_t i = 0; i < extent.committed; ++i) lay(log, i, image.committed);
  image.rescued = image.committed;
  for (std::size_t i = extent.committed; i < extent.in_order; ++i) lay(log, i, image.rescued);
  for (std::size_t i = extent.in_order; i < extent.end; ++i) {
    if (log.is_whole(i)) {
      lay(log, i, image.rescued);
      ++image.beyond;
    } else {
      ++image.unread;
    }
  }
  if (!log.has_header() && image.unread == 0) image.unread = std::max<std::size_t>(log.count(), 1);
  for (Bytes* each : {&image.file, &image.committed, &image.rescued})
    close_image(*each, log.page_bytes());
  return image;
}

Rows rows_of(LogImage& image, const std::string& path) {
  Rows all;
  Known known;
  bool is_first = true;
  for (Bytes* bytes : {&image.rescued, &image.committed, &image.file}) {
    auto database = Database::of_bytes(path, *bytes);
    if (!database) continue;
    Rows rows;
    read_what_is_left(database.value(), rows);
    add_unknown(std::move(rows.records), known, all);
    all.layout = std::max(all.layout, rows.layout);
    if (all.allowed.empty()) all.allowed = std::move(rows.allowed);
    if (std::exchange(is_first, false)) all.senseless = rows.senseless;
    if (rows.is_whole) return all;
  }
  add_unknown(stray_rows(image.rescued), known, all);
  return all;
}

void add_stray_rows(const std::string& path, Rows& rows) {
  const LogImage image = look_at_log(path, true);
  Known known;
  for (const Record& record : rows.records) known.insert(record.source);
  add_unknown(stray_rows(image.rescued.empty() ? contents(path) : image.rescued), known, rows);
}

}  // namespace edgesentry::store
