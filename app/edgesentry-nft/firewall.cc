#include "edgesentry-nft/firewall.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "enforce/claim.h"

namespace edgesentry::nft {
namespace {

constexpr std::chrono::seconds kCountEvery{10};
// Counting takes at most this part of the time.
constexpr int kCountShare = 20;
constexpr std::size_t kReadable = 50'000;  // elements of a set
// A program that has lost its edgesentryd may still be in the midst of a batch.
constexpr std::chrono::milliseconds kOrphanPatience{1'000};

std::vector<Device> look_up(const std::vector<std::string>& names) {
  std::vector<Device> devices;
  for (const std::string& name : names) devices.push_back({name, if_nametoindex(name.c_str())});
  return devices;
}

// The kernel's words without nft's pointers at the faulty column, and the place in our own JSON.
std::string first_line(const char* text) {
  constexpr std::string_view kOurs = "internal:0:0-0: Error: ";
  std::string_view all = text == nullptr ? "" : text;
  if (all.starts_with(kOurs)) all.remove_prefix(kOurs.size());
  return std::string(all.substr(0, all.find('\n')));
}

}  // namespace

base::Result<std::unique_ptr<Firewall>> Firewall::open(Settings settings) {
  auto kernel = Kernel::open();
  if (!kernel) return kernel.error();
  nft_ctx* context = nft_ctx_new(NFT_CTX_DEFAULT);
  if (context == nullptr) return base::Error{"libnftables gives no context"};
  return std::unique_ptr<Firewall>(
      new Firewall(std::move(settings), std::move(kernel).value(), context));
}

Firewall::Firewall(Settings settings, Kernel kernel, nft_ctx* context)
    : settings_(std::move(settings)),
      families_(families(settings_)),
      kernel_(std::move(kernel)),
      context_(context) {
  nft_ctx_output_set_flags(
      context_.get(), NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_NUMERIC_PRIO);
  nft_ctx_buffer_output(context_.get());
  nft_ctx_buffer_error(context_.get());
}

base::Status Firewall::run(const std::string& commands) {
  const int failed = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
  const std::string words = first_line(nft_ctx_get_error_buffer(context_.get()));
  if (failed != 0) return base::Error{words.empty() ? "nftables refused without a word" : words};
  return {};
}

// Of all tables of the family: asked for one table, libnftables 1.0.6 reads every element of its
// sets, though it is to list none.
base::Result<Json> Firewall::list(const std::string& family) {
  const Json ruleset = {{"ruleset", {{"family", family}}}};
  // It also writes rubbish for the flags of a table that another program owns.
  const Json table = {{"table", {{"family", family}, {"name", kTableName}}}};
  for (const Json& what : {ruleset, table}) {
    const Json command = {{"nftables", Json::array({{{"list", what}}})}};
    const base::Status ran = run(command.dump());
    const std::string text = nft_ctx_get_output_buffer(context_.get());
    if (!ran) return ran.error();
    Json listing = Json::parse(text, nullptr, false);
    if (!listing.is_discarded()) return listing;
  }
  return base::Error{"nftables listed a table in no JSON"};
}

base::Result<bool> Firewall::mend() {
  const auto before = kernel_.generation();
  if (!before) return before.error();
  auto devices = look_up(settings_.devices);
  if (generation_ == before.value() && devices == devices_) return false;
  generation_.reset();
  is_count_due_ = true;
  devices_ = std::move(devices);
  bool is_mended = false;
  for (const std::string& family : families_) {
    const auto mended = mend_table(family);
    if (!mended) return mended.error();
    is_mended = is_mended || mended.value();
  }
  read_drops();
  // After a repair everything is looked at once more: somebody may have come in between.
  if (!is_mended) generation_ = before.value();
  return is_mended;
}

base::Result<bool> Firewall::mend_table(const std::string& family) {
  const std::vector<Json> objects = wanted(settings_, family, devices_);
  const auto is_right = [&] {
    const auto listing = list(family);
    return listing.ok() && shows(listing.value(), family, objects);
  };
  if (is_right()) return false;
  const std::string create = creation(objects).dump();
  if (run(create).ok() && is_right()) return true;
  // Something stands in it that does not belong there, or a set is of another type.
  if (base::Status gone = run(deletion(family).dump()); !gone) return refused(family, gone.error());
  if (base::Status made = run(create); !made) return refused(family, made.error());
  if (is_right()) return true;
  return base::Error{
      fmt::format("table {} {} is made, and not as it should be", family, kTableName)};
}

base::Error Firewall::refused(const std::string& family, const base::Error& error) {
  const auto owner = kernel_.owner(family, kTableName);
  if (!owner || owner.value() == 0)
    return {fmt::format("table {} {} cannot be made: {}", family, kTableName, error.text)};
  return {fmt::format(
      "table {0} {1} belongs to another program (flags owner; its netlink port is {2}, mostly the "
      "number of its process), and nobody else may change it: end that program, which deletes the "
      "table; nft list table {0} {1} names it",
      family, kTableName, owner.value())};
}

std::optional<enforce::FilterCounts> Firewall::count_when_due(
    std::span<const enforce::NftElement> sample) {
  const auto start = Clock::now();
  if (start < (is_count_due_ ? count_again_ : count_again_ + kCountEvery)) return std::nullopt;
  enforce::FilterCounts counts{.are_counted = true,
                               .fewest = std::numeric_limits<std::uint64_t>::max()};
  const auto absent = missing(sample);
  if (!absent) return std::nullopt;  // it stays due
  counts.missing = absent.value();
  for (const std::string& family : families_) {
    const auto found = held(family);
    if (!found) return std::nullopt;
    counts.are_counted = counts.are_counted && found.value().has_value();
    if (!counts.are_counted) break;
    counts.fewest = std::min<std::uint64_t>(counts.fewest, found.value()->size());
    counts.most = std::max<std::uint64_t>(counts.most, found.value()->size());
  }
  read_drops();
  const auto end = Clock::now();
  count_again_ = end + kCountShare * (end - start);
  is_count_due_ = false;
  return counts;
}

void Firewall::read_drops() {
  std::uint64_t sum = 0;
  for (const std::string& family : families_) {
    const auto listing = list(family);
    if (!listing) return;  // the count of last time stands
    sum += counted(listing.value(), family);
  }
  drops_ = sum;
}

base::Result<std::uint64_t> Firewall::missing(std::span<const enforce::NftElement> sample) {
  std::uint64_t missing = 0;
  for (const std::string& family : families_)
    for (const enforce::NftElement& element : sample) {
      const char* set = element.source.is_v4() ? "blocked4" : "blocked6";
      const auto found = kernel_.find({family, kTableName, set}, element.source);
      if (!found) return found.error();
      const auto& [is_held, left_s] = found.value();
      if (!is_held || enforce::ends_too_soon(left_s, element.timeout_s)) ++missing;
    }
  return missing;
}

base::Result<std::optional<std::vector<base::Ip>>> Firewall::held(const std::string& family) {
  auto all = kernel_.elements({family, kTableName, "blocked4"}, kReadable);
  if (!all || !all.value()) return all;
  const auto more = kernel_.elements({family, kTableName, "blocked6"}, kReadable);
  if (!more || !more.value()) return more;
  all.value()->insert(all.value()->end(), more.value()->begin(), more.value()->end());
  return all;
}

base::Status Firewall::commit(std::span<const enforce::NftElement> elements) {
  if (elements.empty()) return {};
  const auto before = kernel_.generation();
  base::Status ran = run(batch(families_, elements));
  const auto after = kernel_.generation();
  const bool is_alone = before.ok() && after.ok() && generation_ == before.value() &&
                        after.value() == before.value() + (ran.ok() ? 1 : 0);
  generation_.reset();
  if (is_alone) generation_ = after.value();
  return ran;
}

base::Result<bool> Firewall::change(std::span<const enforce::NftElement> elements) {
  bool is_mended = false;
  if (const base::Status first = commit(elements); !first) {
    generation_.reset();
    const auto mended = mend();
    if (!mended) return mended.error();
    is_mended = mended.value();
    if (const base::Status second = commit(elements); !second) return second.error();
  }
  if (ordered_)
    for (const enforce::NftElement& element : elements) {
      if (element.is_blocked)
        ordered_->insert(element.source);
      else
        ordered_->erase(element.source);
    }
  return is_mended;
}

void Firewall::begin() {
  ordered_.emplace();
}

base::Status Firewall::sweep() {
  if (!ordered_) return base::Error{"an end without a beginning"};
  std::unordered_set<base::Ip, base::IpHash> strays;
  for (const std::string& family : families_) {
    const auto found = held(family);
    if (!found) return found.error();
    if (!found.value()) continue;
    for (const base::Ip& source : *found.value())
      if (!ordered_->contains(source)) strays.insert(source);
  }
  ordered_.reset();
  is_count_due_ = true;
  std::vector<enforce::NftElement> some;
  for (auto stray = strays.begin(); stray != strays.end();) {
    some.push_back({.source = *stray});
    if (++stray != strays.end() && some.size() < enforce::kNftElementsMax) continue;
    if (base::Status done = commit(some); !done) return done;
    some.clear();
  }
  return {};
}

base::Result<std::optional<enforce::Leftover>> Firewall::sweep_earlier(const std::string& family) {
  using Kind = enforce::Leftover::Kind;
  using Found = std::optional<enforce::Leftover>;
  const auto is_there = kernel_.has_table(family, kTableName);
  if (!is_there) return is_there.error();
  if (!is_there.value()) return Found();
  const std::string table = fmt::format("table {} {}", family, kTableName);
  if (std::ranges::find(families_, family) != families_.end()) return Found({Kind::present, table});
  const auto owner = kernel_.owner(family, kTableName);
  if (owner.ok() && owner.value() != 0) return Found();
  if (enforce::is_claimed(enforce::table_claim(family), kOrphanPatience))
    return Found({Kind::others, fmt::format("nftables: {} is kept by another EdgeSentry that runs "
                                            "here, and is left alone",
                                            table)});
  const auto listing = list(family);
  if (!listing) return listing.error();
  std::string why = "holds what this program does not put there, and is left alone";
  if (shows_earlier(listing.value(), family)) {
    const base::Status gone = run(deletion(family).dump());
    if (gone)
      return Found({Kind::removed, fmt::format("nftables: {}, which an earlier run left and this "
                                               "configuration does not want, is removed",
                                               table)});
    why = fmt::format("was left by an earlier run and cannot be removed ({})", gone.error().text);
  }
  return Found({Kind::left, fmt::format("nftables: at the start {0} {1}; what it drops stays "
                                        "dropped until: nft delete {0}",
                                        table, why)});
}

base::Status Firewall::remove() {
  generation_.reset();
  base::Status all;
  for (const std::string& family : families_)
    if (base::Status removed = run(deletion(family).dump()); !removed) all = removed;
  return all;
}

}  // namespace edgesentry::nft
