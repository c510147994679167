#include "xdp/drop_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

namespace edgesentry::xdp {
namespace {

constexpr const char* kLicense = "Dual BSD/GPL";
constexpr std::uint32_t kBatch = 4096;
constexpr std::uint32_t kFirst = 0;  // index of an array's element
constexpr std::uint32_t kFamilies = 2;

struct Shape {
  const char* name;
  bpf_map_type type;
  std::uint32_t key, value;
  std::uint32_t flags;
};
// Elements are allocated when they come: most maps never fill.
constexpr Shape kV4 = {"edgesentry_v4", BPF_MAP_TYPE_HASH, 4, 8, BPF_F_NO_PREALLOC};
constexpr Shape kV6 = {"edgesentry_v6", BPF_MAP_TYPE_HASH, 16, 8, BPF_F_NO_PREALLOC};
constexpr Shape kBypass = {"edgesentry_pass", BPF_MAP_TYPE_ARRAY, 4, 4, 0};
constexpr Shape kDrops = {"edgesentry_hits", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 0};

base::Error failed(std::string_view what) {
  return {fmt::format("{} failed: {}", what, std::strerror(errno))};
}

base::Result<Descriptor> create(const Shape& shape, std::uint32_t elements) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape.flags);
  Descriptor made(
      bpf_map_create(shape.type, shape.name, shape.key, shape.value, elements, &options));
  if (!made.is_open()) return failed(fmt::format("creating the BPF map {}", shape.name));
  return made;
}

bool fits(const bpf_map_info& info, const Shape& shape) {
  return std::string_view(info.name) == shape.name && info.type == shape.type &&
         info.key_size == shape.key && info.value_size == shape.value &&
         info.map_flags == shape.flags;
}

struct Key {
  std::array<std::uint8_t, 16> bytes{};  // of an IPv4 address the first four
};

Key key_of(const base::Ip& source) {
  Key key;
  key.bytes = source.bytes();
  if (source.is_v4()) std::copy_n(source.bytes().end() - 4, 4, key.bytes.begin());
  return key;
}

base::Ip source_of(const std::uint8_t* key, bool is_v4) {
  if (is_v4)
    return base::Ip::v4(std::uint32_t{key[0]} << 24 | std::uint32_t{key[1]} << 16 |
                        std::uint32_t{key[2]} << 8 | key[3]);
  std::array<std::uint8_t, 16> bytes;
  std::copy_n(key, bytes.size(), bytes.begin());
  return base::Ip::from_bytes(bytes);
}

base::Status collect(int map, bool is_v4, std::vector<Held>& found) {
  const std::size_t width = is_v4 ? kV4.key : kV6.key;
  std::vector<std::uint8_t> keys(kBatch * width);
  std::vector<std::uint64_t> values(kBatch);
  std::uint32_t cursor = 0;  // the number of a bucket
  for (bool is_first = true, is_last = false; !is_last;) {
    auto count = static_cast<std::uint32_t>(values.size());
    std::uint32_t next = 0;
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    const int got = bpf_map_lookup_batch(map, is_first ? nullptr : &cursor, &next, keys.data(),
                                         values.data(), &count, &options);
    if (got != 0 && errno == ENOSPC && values.size() < (kBatch << 8)) {  // one bucket holds more
      keys.resize(keys.size() * 2);
      values.resize(values.size() * 2);
      continue;
    }
    if (got != 0 && errno != ENOENT) return failed("reading a BPF map");
    is_last = got != 0;
    for (std::uint32_t i = 0; i < count; ++i)
      found.push_back({source_of(keys.data() + i * width, is_v4), values[i]});
    cursor = next;
    is_first = false;
  }
  return {};
}

}  // namespace

base::Result<DropMaps> DropMaps::create(std::uint32_t elements_max) {
  DropMaps maps;
  maps.elements_max_ = elements_max;
  struct Part {
    Descriptor& map;
    const Shape& shape;
    std::uint32_t elements;
  };
  for (const Part& part : {Part{maps.v4_, kV4, elements_max}, Part{maps.v6_, kV6, elements_max},
                           Part{maps.bypass_, kBypass, 1}, Part{maps.drops_, kDrops, kFamilies}}) {
    auto made = xdp::create(part.shape, part.elements);
    if (!made) return made.error();
    part.map = std::move(made).value();
  }
  return maps;
}

std::optional<DropMaps> DropMaps::of_program(int program) {
  std::array<std::uint32_t, 8> ids{};
  bpf_prog_info about{};
  about.nr_map_ids = ids.size();
  about.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
  std::uint32_t size = sizeof about;
  if (bpf_obj_get_info_by_fd(program, &about, &size) != 0) return std::nullopt;
  if (std::string_view(about.name) != kProgramName || about.nr_map_ids > ids.size())
    return std::nullopt;
  DropMaps maps;
  for (std::size_t i = 0; i < about.nr_map_ids; ++i) {
    Descriptor map(bpf_map_get_fd_by_id(ids[i]));
    bpf_map_info info{};
    size = sizeof info;
    if (!map.is_open() || bpf_obj_get_info_by_fd(map.number(), &info, &size) != 0)
      return std::nullopt;
    if (fits(info, kV4)) maps.elements_max_ = info.max_entries;
    if (fits(info, kV4))
      maps.v4_ = std::move(map);
    else if (fits(info, kV6))
      maps.v6_ = std::move(map);
    else if (fits(info, kBypass))
      maps.bypass_ = std::move(map);
    else if (fits(info, kDrops))
      maps.drops_ = std::move(map);
    else
      return std::nullopt;
  }
  if (!maps.v4_.is_open() || !maps.v6_.is_open() || !maps.bypass_.is_open() ||
      !maps.drops_.is_open())
    return std::nullopt;
  return maps;
}

base::Result<Put> DropMaps::put(const Held& held) {
  const int map = held.source.is_v4() ? v4_.number() : v6_.number();
  const Key key = key_of(held.source);
  if (bpf_map_update_elem(map, key.bytes.data(), &held.until_ns, BPF_ANY) == 0) return Put::done;
  if (errno == E2BIG) return Put::full;
  return failed("adding a source to a BPF map");
}

base::Status DropMaps::erase(const base::Ip& source) {
  const Key key = key_of(source);
  const int map = source.is_v4() ? v4_.number() : v6_.number();
  if (bpf_map_delete_elem(map, key.bytes.data()) == 0 || errno == ENOENT) return {};
  return failed("deleting a source from a BPF map");
}

base::Result<std::optional<Held>> DropMaps::find(const base::Ip& source) const {
  const Key key = key_of(source);
  Held held{.source = source};
  const int map = source.is_v4() ? v4_.number() : v6_.number();
  if (bpf_map_lookup_elem(map, key.bytes.data(), &held.until_ns) == 0) return std::optional(held);
  if (errno == ENOENT) return std::optional<Held>();
  return failed("looking a source up in a BPF map");
}

base::Result<std::vector<Held>> DropMaps::all() const {
  std::vector<Held> found;
  if (base::Status read = collect(v4_.number(), true, found); !read) return read.error();
  if (base::Status read = collect(v6_.number(), false, found); !read) return read.error();
  return found;
}

base::Result<bool> DropMaps::is_bypassed() const {
  std::uint32_t value = 0;
  if (bpf_map_lookup_elem(bypass_.number(), &kFirst, &value) == 0) return value != 0;
  return failed("reading the bypass");
}

base::Status DropMaps::set_bypass(bool is_on) {
  const std::uint32_t value = is_on ? 1 : 0;
  if (bpf_map_update_elem(bypass_.number(), &kFirst, &value, BPF_ANY) == 0) return {};
  return failed("setting the bypass");
}

base::Result<std::uint64_t> DropMaps::drops() const {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return base::Error{"the number of CPUs is not known"};
  std::uint64_t sum = 0;
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(cpus));
  for (std::uint32_t family = 0; family < kFamilies; ++family) {
    if (bpf_map_lookup_elem(drops_.number(), &family, counts.data()) != 0)
      return failed("reading the drop counters");
    sum = std::accumulate(counts.begin(), counts.end(), sum);
  }
  return sum;
}

MapDescriptors DropMaps::descriptors() const noexcept {
  return {v4_.number(), v6_.number(), bypass_.number(), drops_.number()};
}

base::Result<Descriptor> load(const DropMaps& maps, std::uint8_t ipv6_prefix) {
  const std::vector<bpf_insn> program = drop_program(maps.descriptors(), ipv6_prefix);
  Descriptor loaded(bpf_prog_load(BPF_PROG_TYPE_XDP, kProgramName, kLicense, program.data(),
                                  program.size(), nullptr));
  if (!loaded.is_open()) return failed("loading the XDP program");
  return loaded;
}

std::uint32_t id_of_program(int program) {
  bpf_prog_info about{};
  std::uint32_t size = sizeof about;
  return bpf_obj_get_info_by_fd(program, &about, &size) == 0 ? about.id : 0;
}

}  // namespace edgesentry::xdp
