// Small files of /sys and /proc, read below a root, so that a test can lay out a machine of its
// own. Nothing throws; what is missing, unreadable or not of the expected shape is absent.
//
// Any thread. Bounded: kTextMax bytes of a file, kEntriesMax names of a folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace edgesentry::machine {

class Tree {
 public:
  static constexpr std::size_t kTextMax = 256u << 10;
  static constexpr std::size_t kEntriesMax = 4096;

  explicit Tree(std::string root = {}) : root_(std::move(root)) {}

  // `path` as on the machine itself: "/sys/devices/system/cpu/online".
  [[nodiscard]] std::optional<std::string> text(std::string_view path) const;
  // Its first line, without blanks at both ends; control characters become '?'.
  [[nodiscard]] std::optional<std::string> line(std::string_view path) const;
  // A decimal number with nothing but blanks around it.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view path) const;
  // Sorted; empty as well when there is no such folder.
  [[nodiscard]] std::vector<std::string> names(std::string_view folder) const;
  [[nodiscard]] bool has(std::string_view path) const;
  // The last part of what a symbolic link points to: "../../drivers/vfio-pci" is "vfio-pci".
  [[nodiscard]] std::optional<std::string> link(std::string_view path) const;
  [[nodiscard]] std::string real(std::string_view path) const { return root_ + std::string(path); }

 private:
  std::string root_;
};

// The value behind "key:" or "key " at the beginning of a line; empty when there is none.
[[nodiscard]] std::string_view value_of(std::string_view text, std::string_view key);
[[nodiscard]] std::optional<std::int64_t> to_number(std::string_view text, int base = 10);
// Words between blanks.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view text);
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace edgesentry::machine
