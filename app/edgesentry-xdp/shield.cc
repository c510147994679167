#include "edgesentry-xdp/shield.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <time.h>

#include <algorithm>
#include <utility>

namespace edgesentry::xdp {
namespace {

constexpr std::chrono::seconds kCountEvery{10};
// Counting takes at most this part of the time.
constexpr int kCountShare = 20;
constexpr std::uint64_t kSecond = 1'000'000'000;

// The clock that the program reads.
std::uint64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

bool is_over(const Held& held, std::uint64_t now) {
  return held.until_ns != 0 && held.until_ns <= now;
}

}  // namespace

base::Result<std::unique_ptr<Shield>> Shield::look(Settings settings) {
  std::unique_ptr<Shield> shield(new Shield(std::move(settings)));
  for (const std::string& name : shield->settings_.devices) {
    shield->devices_.push_back({.name = name});
    shield->look_at(shield->devices_.back());
  }
  return shield;
}

void Shield::look_at(Device& device) {
  const unsigned index = ::if_nametoindex(device.name.c_str());
  if (index == 0) return;
  const auto attached = attached_to(index);
  if (!attached || attached.value().mode == Mode::none) return;
  Descriptor program(bpf_prog_get_fd_by_id(attached.value().program_id));
  device.is_hidden = !program.is_open();
  if (device.is_hidden) return;
  auto maps = DropMaps::of_program(program.number());
  if (!maps) return;
  if (!maps_) maps_ = std::move(maps);
  device.earlier = std::move(program);
  device.earlier_id = attached.value().program_id;
}

base::Status Shield::make() {
  // Room of another size is filled with what the old one holds before it takes its place.
  if (!maps_ || maps_->elements_max() != settings_.elements_max) {
    auto made = DropMaps::create(settings_.elements_max);
    if (!made) return made.error();
    if (maps_) {
      const auto held = maps_->all();
      if (!held) return held.error();
      for (const Held& each : held.value())
        if (const auto put = made.value().put(each); !put) return put.error();
    }
    maps_ = std::move(made).value();
  }
  auto loaded = load(*maps_, settings_.ipv6_prefix);
  if (!loaded) return loaded.error();
  program_ = std::move(loaded).value();
  program_id_ = id_of_program(program_.number());
  if (program_id_ == 0) return base::Error{"the kernel does not say which program it has loaded"};
  return {};
}

base::Status Shield::attach_to(Device& device, Mode mode, int instead_of) {
  base::Status done = attach({.interface = device.index,
                              .program = program_.number(),
                              .instead_of = instead_of,
                              .mode = mode});
  if (done) device.mode = mode;
  return done;
}

base::Result<bool> Shield::mend_device(Device& device) {
  device.index = ::if_nametoindex(device.name.c_str());
  device.mode = Mode::none;
  if (device.index == 0) return false;
  const auto attached = attached_to(device.index);
  if (!attached) return base::Error{fmt::format("{}: {}", device.name, attached.error().text)};
  const auto [mode, id] = attached.value();
  if (mode != Mode::none && id == program_id_) {
    device.mode = mode;
    return false;
  }
  if (mode != Mode::none && (id != device.earlier_id || mode == Mode::other))
    return base::Error{fmt::format(
        "{0} has an XDP program that is not ours (number {1}), which is left alone; if it is not "
        "needed, remove it with: ip link set dev {0} xdp off",
        device.name, id)};
  if (mode != Mode::none && !(settings_.is_native_only && mode == Mode::generic)) {
    if (base::Status done = attach_to(device, mode, device.earlier.number()); !done)
      return base::Error{fmt::format("{}: {}", device.name, done.error().text)};
    return false;
  }
  if (mode != Mode::none) static_cast<void>(detach(device.index, device.earlier.number(), mode));
  base::Status done = attach_to(device, Mode::native, -1);
  if (!done && !settings_.is_native_only) done = attach_to(device, Mode::generic, -1);
  if (!done) return base::Error{fmt::format("{}: {}", device.name, done.error().text)};
  return true;
}

base::Result<bool> Shield::mend() {
  bool is_mended = false;
  fault_.clear();
  for (Device& device : devices_) {
    const auto mended = mend_device(device);
    if (!mended) fault_ = mended.error().text;
    is_mended = is_mended || (mended.ok() && mended.value());
  }
  if (fault_.empty()) {
    const bool was_there = std::exchange(was_whole_, true);
    return is_mended && was_there;
  }
  // Where it cannot stand everywhere from the start it stands nowhere: nobody would end blocks
  // early in what is left behind.
  if (!was_whole_) static_cast<void>(remove());
  return base::Error{fault_};
}

base::Status Shield::forget_ended() {
  const auto held = maps_->all();
  if (!held) return held.error();
  const std::uint64_t now = now_ns();
  for (const Held& each : held.value())
    if (is_over(each, now))
      if (base::Status done = maps_->erase(each.source); !done) return done;
  return {};
}

base::Status Shield::put(const enforce::NftElement& element) {
  const Held held{element.source,
                  element.timeout_s == 0 ? 0 : now_ns() + element.timeout_s * kSecond};
  auto put = maps_->put(held);
  if (!put) return put.error();
  if (put.value() == Put::done) return {};
  if (base::Status done = forget_ended(); !done) return done;
  put = maps_->put(held);
  if (!put) return put.error();
  if (put.value() == Put::done) return {};
  if (const auto all = maps_->all()) held_when_full_ = all.value().size();
  return base::Error{fmt::format("the map of {} sources, made for {}, {}; raise table.blocks",
                                 element.source.is_v4() ? "IPv4" : "IPv6", maps_->elements_max(),
                                 enforce::kNoRoomWords)};
}

base::Result<bool> Shield::change(std::span<const enforce::NftElement> elements) {
  held_when_full_ = 0;
  if (!fault_.empty()) return base::Error{fault_};
  for (const enforce::NftElement& element : elements) {
    const base::Status done = element.is_blocked ? put(element) : maps_->erase(element.source);
    if (!done) return done.error();
    if (!ordered_) continue;
    if (element.is_blocked)
      ordered_->insert(element.source);
    else
      ordered_->erase(element.source);
  }
  return false;
}

base::Status Shield::sweep() {
  if (!ordered_) return base::Error{"an end without a beginning"};
  const auto ordered = std::exchange(ordered_, std::nullopt);
  if (!fault_.empty()) return base::Error{fault_};
  const auto held = maps_->all();
  if (!held) return held.error();
  for (const Held& each : held.value())
    if (!ordered->contains(each.source))
      if (base::Status done = maps_->erase(each.source); !done) return done;
  count_again_ = {};
  return maps_->set_bypass(false);
}

std::optional<enforce::FilterCounts> Shield::count_when_due(
    std::span<const enforce::NftElement> sample) {
  enforce::FilterCounts counts;
  const std::uint64_t now = now_ns();
  for (const enforce::NftElement& element : sample) {
    const auto held = maps_->find(element.source);
    if (!held) return std::nullopt;
    if (!held.value() || is_over(*held.value(), now)) {
      ++counts.missing;
      continue;
    }
    const std::uint64_t until = held.value()->until_ns;
    const auto left = until == 0 ? std::nullopt : std::optional((until - now) / kSecond);
    if (enforce::ends_too_soon(left, element.timeout_s)) ++counts.missing;
  }
  const auto start = Clock::now();
  if (start < count_again_) return counts;
  if (!forget_ended()) return counts;
  const auto all = maps_->all();
  if (!all) return counts;
  counts.are_counted = true;
  counts.fewest = counts.most = all.value().size();
  const auto end = Clock::now();
  count_again_ = end + kCountEvery + kCountShare * (end - start);
  return counts;
}

// What an earlier run left, of which nobody asked that ours take its place.
base::Status Shield::remove_earlier(Device& device) {
  const unsigned index = ::if_nametoindex(device.name.c_str());
  if (index == 0) return {};
  const auto attached = attached_to(index);
  if (!attached) return base::Error{fmt::format("{}: {}", device.name, attached.error().text)};
  const auto [mode, id] = attached.value();
  if (mode == Mode::none) return {};
  if (device.earlier.is_open() && id == device.earlier_id)
    return detach(index, device.earlier.number(), mode);
  if (!device.is_hidden) return {};  // another's
  return base::Error{fmt::format(
      "without CAP_SYS_ADMIN it cannot be told whether the XDP program number {} on {} is ours", id,
      device.name)};
}

base::Status Shield::remove() {
  base::Status all;
  for (Device& device : devices_) {
    if (device.mode == Mode::none) {
      if (base::Status done = remove_earlier(device); !done) all = done;
      continue;
    }
    base::Status done = detach(device.index, program_.number(), device.mode);
    // Gone with its interface, or another's now.
    const auto attached = attached_to(device.index);
    if (!done && attached.ok() && attached.value().program_id == program_id_) all = done;
    device.mode = Mode::none;
  }
  return all;
}

std::uint64_t Shield::drops() const {
  if (const auto counted = maps_->drops()) drops_ = counted.value();
  return drops_;
}

std::string Shield::place() const {
  std::string words;
  for (const Device& device : devices_)
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ",
                         device.index == 0 ? "waiting for" : name_of(device.mode),
                         device.index == 0 ? device.name : "on " + device.name);
  return words;
}

}  // namespace edgesentry::xdp
