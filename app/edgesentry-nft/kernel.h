// The two questions to nf_tables that libnftables answers too slowly or not at all: has anybody
// changed the ruleset, and which elements does a set hold. Raw netlink, read only.
//
// One thread. A kernel that does not answer is an Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace edgesentry::nft {

class Kernel {
 public:
  static base::Result<Kernel> open();
  ~Kernel();
  Kernel(Kernel&& other) noexcept : fd_(std::exchange(other.fd_, -1)), sequence_(other.sequence_) {}
  Kernel& operator=(Kernel&&) = delete;

  // Goes up by one with each transaction of anybody in this network namespace; timeouts of elements
  // leave it as it is.
  base::Result<std::uint32_t> generation();

  // Names as nft prints them.
  struct Set {
    std::string family, table, name;
  };
  // In order, each once; nullopt: more than `limit`. The kernel walks a set from its beginning for
  // each datagram that it fills, so that a limit of ten times as many costs a hundred times the
  // time; 50 000 take 0.2 s.
  base::Result<std::optional<std::vector<base::Ip>>> elements(const Set& set, std::size_t limit);

  struct Element {
    bool is_held = false;
    std::optional<std::uint64_t> left_s;  // absent: it does not end by itself
  };
  base::Result<Element> find(const Set& set, const base::Ip& source);

  // The netlink port of the socket whose program alone may change the table ("flags owner"); 0:
  // there is none, or no such table.
  base::Result<std::uint32_t> owner(const std::string& family, const std::string& table);
  base::Result<bool> has_table(const std::string& family, const std::string& table);

 private:
  explicit Kernel(int fd) : fd_(fd) {}
  base::Status reopen();  // gives up the answer under way
  template <class Take>
  base::Status ask(std::vector<char> request, Take take, int* refusal = nullptr);

  int fd_;
  std::uint32_t sequence_ = 0;
};

}  // namespace edgesentry::nft
