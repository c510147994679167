// A file of addresses, one a line; blanks around them and what follows a # do not count.
//
// All of it is looked at before anything is done with it: what is wrong is told with its line and a
// remedy, ten lines at most. Nothing is read without bound.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace edgesentry::cli {

struct AddressLine {
  std::size_t number = 0;  // from 1
  std::string text;        // an address or a CIDR block
};

struct AddressList {
  std::string name;  // as messages call it
  std::vector<AddressLine> lines;
};

// "-" is standard input.
[[nodiscard]] base::Result<AddressList> read_addresses(const std::string& path);

// What is wrong with a list, beginning with a sentence for all of it.
class ListFaults {
 public:
  void add(const std::string& name, std::size_t line, const std::string& fault);
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] base::Error error(const AddressList& list, const std::string& consequence) const;

 private:
  std::string text_;
  std::size_t count_ = 0;
};

}  // namespace edgesentry::cli
