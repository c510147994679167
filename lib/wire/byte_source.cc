#include "wire/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace edgesentry::wire {
namespace {

constexpr int kGzipOnly = 15 + 16;  // zlib: the largest window, gzip header expected

bool begins_gzip(const unsigned char* bytes, std::size_t count) noexcept {
  return count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;  // RFC 1952 section 2.3.1
}

}  // namespace

ByteSource::~ByteSource() {
  if (is_gzip_) inflateEnd(&inflater_);
  close(descriptor_);
}

bool ByteSource::start() noexcept {
  while (end_ < 2 && fill()) {
  }
  if (begins_gzip(input_.data(), end_)) {
    if (inflateInit2(&inflater_, kGzipOnly) != Z_OK) {
      fault_ = "no memory is left to inflate it";
      return false;
    }
    is_gzip_ = true;
  }
  while (head_end_ < head_.size()) {
    const std::size_t got = produce(head_.data() + head_end_, head_.size() - head_end_);
    if (got == 0) break;
    head_end_ += got;
  }
  if (head_end_ == head_.size()) std::memcpy(&magic_, head_.data(), sizeof(magic_));
  return fault_.empty() && head_end_ > 0;
}

ssize_t ByteSource::read(char* into, std::size_t size) noexcept {
  if (head_begin_ < head_end_) {
    const std::size_t count = std::min(size, head_end_ - head_begin_);
    std::memcpy(into, head_.data() + head_begin_, count);
    head_begin_ += count;
    return static_cast<ssize_t>(count);
  }
  return static_cast<ssize_t>(produce(into, size));
}

// Appends to the input when it was used up, and during start(). False at the end or on a fault.
bool ByteSource::fill() noexcept {
  if (begin_ == end_) begin_ = end_ = 0;
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, input_.data() + end_, input_.size() - end_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fault_ = std::strerror(errno);
  if (got <= 0) {
    at_end_ = true;
    return false;
  }
  end_ += static_cast<std::size_t>(got);
  bytes_read_ += static_cast<std::uint64_t>(got);
  return true;
}

std::size_t ByteSource::produce(char* into, std::size_t size) noexcept {
  if (is_gzip_) return inflate_some(into, size);
  if (begin_ == end_ && !fill()) return 0;
  const std::size_t count = std::min(size, end_ - begin_);
  std::memcpy(into, input_.data() + begin_, count);
  begin_ += count;
  return count;
}

std::size_t ByteSource::inflate_some(char* into, std::size_t size) noexcept {
  if (is_cut_short_ || !fault_.empty() || size == 0) return 0;
  inflater_.next_out = reinterpret_cast<unsigned char*>(into);
  inflater_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1u << 30));
  const uInt room = inflater_.avail_out;
  while (inflater_.avail_out == room) {
    if (member_is_done_ && !next_member()) {
      at_end_ = true;
      return 0;
    }
    if (begin_ == end_ && !fill()) {
      is_cut_short_ = true;
      break;
    }
    inflater_.next_in = input_.data() + begin_;
    inflater_.avail_in = static_cast<uInt>(end_ - begin_);
    const int outcome = inflate(&inflater_, Z_NO_FLUSH);
    begin_ = end_ - inflater_.avail_in;
    member_is_done_ = outcome == Z_STREAM_END;
    if (outcome != Z_OK && outcome != Z_BUF_ERROR && outcome != Z_STREAM_END) {
      fault_ = std::string("its gzip data is damaged") +
               (inflater_.msg != nullptr ? std::string(" (") + inflater_.msg + ")" : "");
      at_end_ = true;
      break;
    }
  }
  return room - inflater_.avail_out;
}

// After the end of a gzip member: true when another one follows. Anything else is padding, which
// gzip(1) ignores too.
bool ByteSource::next_member() noexcept {
  if (begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ < 2 && fill()) {
  }
  member_is_done_ = !(begins_gzip(input_.data(), end_) && inflateReset(&inflater_) == Z_OK);
  return !member_is_done_;
}

}  // namespace edgesentry::wire
