// A machine laid out in a folder: files of /sys and /proc below a root that ends with the test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace edgesentry {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "edgesentry_XXXXXX").string();
    root_ = ::mkdtemp(name.data()) != nullptr ? name : std::string();
  }
  ~Folder() {
    std::error_code failed;
    std::filesystem::remove_all(root_, failed);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::string& root() const noexcept { return root_; }
  Folder& put(std::string_view path, std::string_view text) {
    const std::filesystem::path where = root_ + std::string(path);
    std::filesystem::create_directories(where.parent_path());
    std::ofstream(where) << text;
    return *this;
  }
  Folder& link(std::string_view path, std::string_view target) {
    const std::filesystem::path where = root_ + std::string(path);
    std::filesystem::create_directories(where.parent_path());
    std::filesystem::create_symlink(target, where);
    return *this;
  }

 private:
  std::string root_;
};

}  // namespace edgesentry
