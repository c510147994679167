#include "store/stray_rows.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "store/rows.h"

namespace edgesentry::store {

namespace {

using View = std::span<const std::uint8_t>;

constexpr std::size_t kFileHeader = 100, kPageUsual = 4096;
constexpr std::size_t kColumns = 10, kUntil = 6;
constexpr std::string_view kMagic{"SQLite format 3", 16};
// A table without rowids is an index that holds everything.
constexpr std::uint8_t kInside = 0x02, kLeaf = 0x0a;

// A whole number of one to nine bytes; takes them from the front. nullopt: there are too few.
std::optional<std::uint64_t> take_number(View& bytes) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 9 && i < bytes.size(); ++i) {
    const std::uint8_t byte = bytes[i];
    const bool is_last = i == 8 || (byte & 0x80) == 0;
    number = i == 8 ? number << 8 | byte : number << 7 | (byte & 0x7fu);
    if (!is_last) continue;
    bytes = bytes.subspan(i + 1);
    return number;
  }
  return std::nullopt;
}

enum class Kind : std::uint8_t { nothing, integer, bytes, text };

struct Value {
  Kind kind = Kind::nothing;
  std::int64_t number = 0;
  View bytes;
};

// A value by its serial type, from the front of the body; nullopt: no such type here, or too short.
std::optional<Value> take_value(std::uint64_t type, View& body) noexcept {
  constexpr std::array<std::size_t, 7> kWidths = {0, 1, 2, 3, 4, 6, 8};
  if (type == 0) return Value{};
  if (type == 8 || type == 9) return Value{Kind::integer, static_cast<std::int64_t>(type - 8), {}};
  const bool is_integer = type < kWidths.size();
  if (!is_integer && type < 12) return std::nullopt;
  const std::uint64_t width = is_integer ? kWidths[type] : (type - 12) / 2;
  if (width > body.size()) return std::nullopt;
  const View at = body.first(static_cast<std::size_t>(width));
  body = body.subspan(at.size());
  if (!is_integer) return Value{type % 2 == 0 ? Kind::bytes : Kind::text, 0, at};
  std::uint64_t number = (at[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (const std::uint8_t byte : at) number = number << 8 | byte;
  return Value{Kind::integer, static_cast<std::int64_t>(number), {}};
}

class RawRow {
 public:
  // Of the table, by number and kinds of its columns.
  static std::optional<RawRow> read(View record) noexcept {
    const std::size_t size = record.size();
    View header = record;
    const auto header_bytes = take_number(header);
    if (!header_bytes || *header_bytes > size || *header_bytes < size - header.size())
      return std::nullopt;
    header = header.first(static_cast<std::size_t>(*header_bytes) - (size - header.size()));
    View body = record.subspan(static_cast<std::size_t>(*header_bytes));
    RawRow row;
    for (Value& value : row.values_) {
      const auto type = take_number(header);
      const auto read = type ? take_value(*type, body) : std::nullopt;
      if (!read) return std::nullopt;
      value = *read;
    }
    if (!header.empty() || !body.empty() || !row.has_the_kinds()) return std::nullopt;
    return row;
  }

  [[nodiscard]] View bytes(std::size_t column) const noexcept { return values_[column].bytes; }
  [[nodiscard]] std::int64_t integer(std::size_t column) const noexcept {
    return values_[column].number;
  }
  [[nodiscard]] bool is_null(std::size_t column) const noexcept {
    return values_[column].kind == Kind::nothing;
  }
  [[nodiscard]] std::string_view text(std::size_t column) const noexcept {
    const View at = values_[column].bytes;
    return {reinterpret_cast<const char*>(at.data()), at.size()};
  }

 private:
  [[nodiscard]] bool has_the_kinds() const noexcept {
    if (values_.front().kind != Kind::bytes || values_.back().kind != Kind::text) return false;
    for (std::size_t i = 1; i + 1 < kColumns; ++i)
      if (values_[i].kind != Kind::integer && (i != kUntil || !is_null(i))) return false;
    return true;
  }

  std::array<Value, kColumns> values_;
};

std::size_t two(View page, std::size_t at) noexcept {
  return std::size_t{page[at]} << 8 | page[at + 1];
}

std::size_t page_size_of(View file) noexcept {
  if (!std::equal(kMagic.begin(), kMagic.end(), file.begin())) return kPageUsual;
  const std::size_t size = two(file, 16) == 1 ? 65536 : two(file, 16);
  return size >= 512 && (size & (size - 1)) == 0 ? size : kPageUsual;
}

// `begin` is where its header stands: behind that of the file on the first page.
void read_page(View page, std::size_t begin, std::vector<Record>& records) {
  const bool is_inside = page[begin] == kInside;
  if (!is_inside && page[begin] != kLeaf) return;
  const std::size_t cells = two(page, begin + 3), list = begin + (is_inside ? 12 : 8);
  if (list + cells * 2 > page.size()) return;
  const std::size_t payload_most = (page.size() - 12) * 64 / 255 - 23;  // without another page
  for (std::size_t i = 0; i < cells; ++i) {
    const std::size_t at = two(page, list + i * 2) + (is_inside ? 4 : 0);
    if (at < list + cells * 2 || at >= page.size()) continue;
    View cell = page.subspan(at);
    const auto size = take_number(cell);
    if (!size || *size > payload_most || *size > cell.size()) continue;
    const auto row = RawRow::read(cell.first(static_cast<std::size_t>(*size)));
    Record record;
    if (row && read_row(*row, record)) records.push_back(std::move(record));
  }
}

}  // namespace

std::vector<Record> stray_rows(View file) {
  std::vector<Record> records;
  if (file.size() < kFileHeader) return records;
  const std::size_t page = page_size_of(file);
  for (std::size_t at = 0; at + page <= file.size(); at += page)
    read_page(file.subspan(at, page), at == 0 ? kFileHeader : 0, records);
  return records;
}

}  // namespace edgesentry::store
