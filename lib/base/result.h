// A value, or an Error whose sentence says what was tried, on what, and what to do about it.
//
// For the environment (files, NICs, sockets) and for operators' input. g++ 12 has no usable
// std::expected. Reading the wrong half is a broken invariant.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace edgesentry::base {

struct Error {
  std::string text;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() & {
    EDGESENTRY_CHECK(ok(), "the caller asks ok() before value()");
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    EDGESENTRY_CHECK(ok(), "the caller asks ok() before value()");
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    EDGESENTRY_CHECK(ok(), "the caller asks ok() before value()");
    return std::move(*std::get_if<0>(&state_));
  }
  [[nodiscard]] const Error& error() const {
    EDGESENTRY_CHECK(!ok(), "the caller asks ok() before error()");
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const {
    EDGESENTRY_CHECK(!ok(), "the caller asks ok() before error()");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace edgesentry::base
