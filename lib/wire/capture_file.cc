#include "wire/capture_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "wire/byte_source.h"

namespace edgesentry::wire {
namespace {

using base::Error;
using base::Result;

// pcap-savefile(5), draft-ietf-opsawg-pcapng; each in both byte orders. 0xa1b2cd34 is the patched
// format of older Linux distributions, which libpcap reads too.
constexpr std::array<std::uint32_t, 7> kMagics = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1,
                                                  0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a};

bool is_capture(std::uint32_t magic) noexcept {
  return std::find(kMagics.begin(), kMagics.end(), magic) != kMagics.end();
}

std::optional<LinkType> link_of(int number) noexcept {
  switch (number) {  // DLT_ values as libpcap gives them on Linux, and LINKTYPE_ values of files
    case 1:
      return LinkType::ethernet;
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return LinkType::raw_ip;
    case 113:
      return LinkType::linux_sll;
    case 276:
      return LinkType::linux_sll2;
    case 0:
    case 108:
      return LinkType::bsd_null;
    default:
      return std::nullopt;
  }
}

std::string link_name(int number) {
  const char* name = pcap_datalink_val_to_name(number);
  return std::to_string(number) + (name != nullptr ? std::string(" (") + name + ")" : "");
}

struct PcapClose {
  void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }  // closes the FILE too
};

ssize_t read_cookie(void* cookie, char* into, std::size_t size) {
  return static_cast<ByteSource*>(cookie)->read(into, size);
}

// A descriptor that reads, or the sentence why not.
Result<int> open_readable(const std::string& path, std::uint64_t& bytes_in_all) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return Error{"cannot open " + path + ": " + std::strerror(errno) +
                 "; check the name and its permissions"};
  struct stat facts {};
  if (fstat(descriptor, &facts) == 0) {
    if (S_ISDIR(facts.st_mode)) {
      ::close(descriptor);
      return Error{path + " is a directory, not a capture"};
    }
    if (S_ISREG(facts.st_mode)) bytes_in_all = static_cast<std::uint64_t>(facts.st_size);
  }
  return descriptor;
}

Result<std::unique_ptr<ByteSource>> open_source(const std::string& path, std::uint64_t& in_all) {
  const Result<int> descriptor = open_readable(path, in_all);
  if (!descriptor) return descriptor.error();
  auto source = std::make_unique<ByteSource>(descriptor.value());
  if (!source->start()) {
    if (!source->fault().empty()) return Error{"cannot read " + path + ": " + source->fault()};
    return Error{path + " is empty: there is not even a file header; capture it anew"};
  }
  if (!is_capture(source->magic()))
    return Error{path + (source->is_gzip() ? " holds, inflated, no capture" : " is no capture") +
                 ": it begins like neither pcap nor pcapng"};
  return source;
}

}  // namespace

struct CaptureFile::State {
  std::string path;
  std::unique_ptr<ByteSource> source;  // outlives the handle, which reads from it
  std::unique_ptr<pcap_t, PcapClose> handle;
  LinkType link = LinkType::ethernet;
  std::uint64_t bytes_in_all = 0;
  std::uint64_t records = 0;
  ReadOutcome last = ReadOutcome::record;
  std::string fault;

  ReadOutcome finish(int outcome);
};

CaptureFile::CaptureFile(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
CaptureFile::CaptureFile(CaptureFile&&) noexcept = default;
CaptureFile& CaptureFile::operator=(CaptureFile&&) noexcept = default;
CaptureFile::~CaptureFile() = default;

const std::string& CaptureFile::fault() const noexcept {
  return state_->fault;
}
LinkType CaptureFile::link() const noexcept {
  return state_->link;
}
const std::string& CaptureFile::path() const noexcept {
  return state_->path;
}
std::uint64_t CaptureFile::bytes_in_all() const noexcept {
  return state_->bytes_in_all;
}
std::uint64_t CaptureFile::bytes_consumed() const noexcept {
  return state_->source->bytes_consumed();
}

Result<CaptureFile> CaptureFile::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  auto source = open_source(path, state->bytes_in_all);
  if (!source) return source.error();
  state->source = std::move(source).value();

  std::FILE* stream = fopencookie(state->source.get(), "r", {.read = read_cookie});
  if (stream == nullptr) return Error{"cannot read " + path + ": " + std::strerror(errno)};
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  state->handle.reset(
      pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why.data()));
  if (state->handle == nullptr) {
    std::fclose(stream);
    const bool is_cut = state->source->is_cut_short() || state->source->at_end();
    return Error{path +
                 (is_cut ? " is cut off inside its file header: " : ": the file header is bad: ") +
                 why.data()};
  }
  const int number = pcap_datalink(state->handle.get());
  const auto link = link_of(number);
  if (!link)
    return Error{
        path + ": link type " + link_name(number) +
        " is not supported; supported are Ethernet, raw IP, Linux cooked and BSD loopback"};
  state->link = *link;
  return CaptureFile(std::move(state));
}

ReadOutcome CaptureFile::State::finish(int outcome) {
  const std::string reason = pcap_geterr(handle.get());
  const std::string where = path + ": record " + std::to_string(records + 1);
  const std::string rest = "; the " + std::to_string(records) + " before it were read";
  if (!source->fault().empty()) {
    fault = where + " cannot be read: " + source->fault() + rest;
    return ReadOutcome::damaged;
  }
  const bool ends_inside = outcome == PCAP_ERROR && reason.find("truncated") != std::string::npos;
  if (source->is_cut_short() || (ends_inside && source->at_end())) {
    fault = where + " is cut off: the file ends before it is complete" + rest;
    return ReadOutcome::cut_off;
  }
  if (outcome == PCAP_ERROR_BREAK) return ReadOutcome::end;
  fault = where + " is damaged: " + reason + rest;
  return ReadOutcome::damaged;
}

ReadOutcome CaptureFile::next(Record& record) {
  State& state = *state_;
  if (state.last != ReadOutcome::record) return state.last;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  const int outcome = pcap_next_ex(state.handle.get(), &header, &bytes);
  if (outcome != 1) return state.last = state.finish(outcome);
  record.bytes = {bytes, std::min<std::size_t>(header->caplen, kCaptureBytesMax)};
  record.wire_bytes = std::max(header->len, header->caplen);
  // A hostile file may claim any time: only the sum's wrap-around must be defined, hence unsigned.
  const auto whole = static_cast<std::uint32_t>(header->ts.tv_sec);
  record.time = {whole * std::uint64_t{1'000'000} +
                 static_cast<std::uint32_t>(header->ts.tv_usec) / 1000};
  record.number = ++state.records;
  return ReadOutcome::record;
}

Result<CaptureList> list_captures(std::span<const std::string> paths) {
  CaptureList list;
  for (const std::string& path : paths) {
    struct stat facts {};
    if (stat(path.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
      list.files.push_back(path);
      continue;
    }
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr)
      return Error{"cannot read the directory " + path + ": " + std::strerror(errno)};
    std::vector<std::string> names;
    while (const dirent* entry = readdir(directory))
      if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    closedir(directory);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const std::string inside = path + (path.ends_with('/') ? "" : "/") + name;
      if (stat(inside.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
      std::uint64_t in_all = 0;
      const auto source = open_source(inside, in_all);
      if (source)
        list.files.push_back(inside);
      else
        list.skipped.push_back(source.error().text);
    }
  }
  return list;
}

}  // namespace edgesentry::wire
