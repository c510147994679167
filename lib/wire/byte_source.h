// The bytes of a capture, plain or gzip (RFC 1952, several members in a row), as a FILE that
// libpcap can read. No temporary file: the bytes are inflated as they are asked for.
//
// Private to capture_file. Owner: the CaptureFile, one thread. A gzip stream that ends early or is
// damaged reads as the end of the file, and fault() says what was wrong.
#pragma once

#include <sys/types.h>
#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace edgesentry::wire {

class ByteSource {
 public:
  explicit ByteSource(int descriptor) noexcept : descriptor_(descriptor) {}
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Reads ahead and starts to inflate where the magic number says gzip. False: fault() is set, or
  // the file is empty.
  bool start() noexcept;
  // The first four bytes of the capture itself (inflated where need be); 0 when there are fewer.
  [[nodiscard]] std::uint32_t magic() const noexcept { return magic_; }

  // As read(2): 0 at the end, or after a fault.
  ssize_t read(char* into, std::size_t size) noexcept;

  [[nodiscard]] bool at_end() const noexcept { return at_end_; }
  // The compressed stream stopped in the middle: what is missing is missing from the file.
  [[nodiscard]] bool is_cut_short() const noexcept { return is_cut_short_; }
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  // Bytes of the file used up so far; for a progress bar.
  [[nodiscard]] std::uint64_t bytes_consumed() const noexcept { return bytes_read_; }
  [[nodiscard]] bool is_gzip() const noexcept { return is_gzip_; }

 private:
  bool fill() noexcept;
  std::size_t produce(char* into, std::size_t size) noexcept;
  std::size_t inflate_some(char* into, std::size_t size) noexcept;
  bool next_member() noexcept;

  int descriptor_;
  std::array<unsigned char, 65536> input_;
  std::size_t begin_ = 0, end_ = 0;
  std::array<char, 4> head_{};  // read ahead for the magic number
  std::size_t head_begin_ = 0, head_end_ = 0;
  std::uint32_t magic_ = 0;
  std::uint64_t bytes_read_ = 0;
  z_stream inflater_{};
  bool is_gzip_ = false, member_is_done_ = false, at_end_ = false, is_cut_short_ = false;
  std::string fault_;
};

}  // namespace edgesentry::wire
