// Capture files, record by record: pcap and pcapng through libpcap, micro- and nanoseconds, and
// gzip of either (known by its magic number, not by its name).
//
// Used by replay; one owner, one thread. Nothing in a file can do harm: a file that is cut off
// gives all its whole records and then `cut_off`, a damaged one gives what stands before the damage
// and then `damaged`; fault() is a sentence with the file, the record number and what was wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "wire/parse.h"

namespace edgesentry::wire {

// Most bytes of one record that are looked at; libpcap's own limit for Ethernet.
inline constexpr std::uint32_t kCaptureBytesMax = 262144;

struct Record {
  std::span<const std::uint8_t> bytes;  // as captured; valid until the next call of next()
  std::uint32_t wire_bytes = 0;         // as it was on the wire; more than bytes.size() when cut
  base::Micros time;                    // since 1970, of the capture's own clock
  std::uint64_t number = 0;             // counted from 1, as other tools do
};

enum class ReadOutcome : std::uint8_t { record, end, cut_off, damaged };

class CaptureFile {
 public:
  // The error says what the file is instead: a directory, empty, unreadable, no capture at all, or
  // a link type that is not supported.
  static base::Result<CaptureFile> open(const std::string& path);
  CaptureFile(CaptureFile&&) noexcept;
  CaptureFile& operator=(CaptureFile&&) noexcept;
  ~CaptureFile();

  // After anything but `record`, every further call says the same again.
  [[nodiscard]] ReadOutcome next(Record& record);
  [[nodiscard]] const std::string& fault() const noexcept;

  [[nodiscard]] LinkType link() const noexcept;
  [[nodiscard]] const std::string& path() const noexcept;
  // For a progress bar; both are of the file as it lies on disk. 0 in all: not known (a pipe).
  [[nodiscard]] std::uint64_t bytes_consumed() const noexcept;
  [[nodiscard]] std::uint64_t bytes_in_all() const noexcept;

 private:
  struct State;
  explicit CaptureFile(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

struct CaptureList {
  std::vector<std::string> files;
  std::vector<std::string> skipped;  // in directories: entries that are no captures, as sentences
};

// Files as named; a directory stands for the captures directly in it, sorted by name. A directory
// that cannot be read is an error.
base::Result<CaptureList> list_captures(std::span<const std::string> paths);

}  // namespace edgesentry::wire
