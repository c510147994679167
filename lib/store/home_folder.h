// The folder of the state, known as it was, so that it can be made again when somebody removes it
// with all that is in it. Private to store.
//
// Owner: one thread.
#pragma once

#include <sys/types.h>

#include <string>

namespace edgesentry::store {

class HomeFolder {
 public:
  // As it stands now; nothing is known of a folder that is not there.
  void remember(const std::string& file);
  // Made again, with owner, group and mode of before, when it is gone. A sentence with the remedy
  // when it cannot be; empty otherwise, also when nothing is known of it.
  [[nodiscard]] std::string bring_back() const;

 private:
  std::string path_;
  mode_t mode_ = 0;
  uid_t user_ = 0;
  gid_t group_ = 0;
};

}  // namespace edgesentry::store
