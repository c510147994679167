// Any bytes as a capture file, plain or gzip; its records go through the parser.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/fuzz.h"
#include "support/capture_writer.h"
#include "support/sample_frames.h"
#include "wire/capture_file.h"

namespace {

// A file in memory, which has a name like any other while it is open.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size)
      : fd_(memfd_create("capture", MFD_CLOEXEC)) {
    EDGESENTRY_CHECK(fd_ >= 0, "the kernel gives a file in memory");
    EDGESENTRY_CHECK(size == 0 || write(fd_, data, size) == static_cast<ssize_t>(size),
                     "which takes the input whole");
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace wire = edgesentry::wire;
  const MemoryFile memory(data, size);
  auto opened = wire::CaptureFile::open(memory.path());
  if (!opened.ok()) {
    EDGESENTRY_CHECK(!opened.error().text.empty(), "a refusal says why");
    return 0;
  }
  wire::CaptureFile& file = opened.value();
  wire::Record record;
  wire::ReadOutcome outcome = wire::ReadOutcome::end;
  std::uint64_t number = 0;
  // The smallest record of either format is longer than 8 bytes, but gzip makes much of little.
  for (std::uint64_t bound = 0; bound < 1u << 16; ++bound) {
    outcome = file.next(record);
    if (outcome != wire::ReadOutcome::record) break;
    EDGESENTRY_CHECK(record.number == ++number, "records are counted from 1");
    EDGESENTRY_CHECK(record.bytes.size() <= wire::kCaptureBytesMax, "no record is beyond bounds");
    wire::Probe probe;
    wire::parse(record.bytes, file.link(), probe);
  }
  if (outcome == wire::ReadOutcome::record) return 0;
  EDGESENTRY_CHECK(file.next(record) == outcome, "an end stays an end");
  EDGESENTRY_CHECK(outcome == wire::ReadOutcome::end || !file.fault().empty(),
                   "damage is described");
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  std::vector<Bytes> all;
  for (const std::uint32_t link : {1u, 12u, 101u, 113u, 276u, 0u, 105u})
    for (const bool nanoseconds : {false, true}) {
      test::CaptureWriter writer(link, nanoseconds);
      std::uint64_t time = 1'000'000;
      for (const auto& sample : test::frames::transport_samples())
        writer.add({time++}, sample.bytes, static_cast<std::uint32_t>(time % 3) * 1500);
      const std::string& bytes = writer.bytes();
      all.emplace_back(bytes.begin(), bytes.end());
    }
  // pcapng: section header, interface description, one enhanced packet of four bytes.
  all.push_back({0x0a, 0x0d, 0x0d, 0x0a, 28,   0,    0,    0,    0x4d, 0x3c, 0x2b, 0x1a, 1, 0,
                 0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28,   0,    0, 0,
                 1,    0,    0,    0,    20,   0,    0,    0,    1,    0,    0,    0,    0, 0,
                 4,    0,    20,   0,    0,    0,    6,    0,    0,    0,    36,   0,    0, 0,
                 0,    0,    0,    0,    0,    0,    5,    0,    0,    0,    0,    0,    4, 0,
                 0,    0,    4,    0,    0,    0,    1,    2,    3,    4,    36,   0,    0, 0});
  return all;
}
