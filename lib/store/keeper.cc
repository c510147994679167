#include "store/keeper.h"

#include <fmt/core.h>

#include <array>
#include <span>
#include <utility>

namespace edgesentry::store {

namespace {

// A commit waits for the disk; in a flood of blocks some twenty a second are enough.
constexpr std::chrono::milliseconds kCompany{50};
constexpr std::chrono::seconds kRetry{1};
constexpr std::chrono::minutes kPrune{10};
constexpr const char* kMeanwhile = "; blocks are kept in memory until then";
constexpr int kLastTries = 3;
constexpr std::size_t kBatch = 20'000;  // records of one commit

std::int64_t wall_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Keeper::Keeper(KeeperSettings settings, std::unique_ptr<BlockStore> store, Wake wake, Say say)
    : settings_(std::move(settings)),
      wake_(std::move(wake)),
      say_(std::move(say)),
      store_(std::move(store)),
      prune_at_(Clock::now() + kPrune) {
  if (store_ == nullptr) {
    numbers_.degraded.set(1);
    trouble_ = settings_.trouble.empty() ? fmt::format("{} cannot be used", settings_.path)
                                         : settings_.trouble;
  }
  home_.remember(settings_.path);
  thread_ = std::thread([this] { run(); });
}

Keeper::~Keeper() {
  stop();
}

std::string Keeper::stop(const Ask& everything) {
  if (!thread_.joinable()) return missing_;
  {
    const std::lock_guard lock(mutex_);
    everything_ = everything;
    is_ending_ = true;
  }
  bell_.notify_one();
  thread_.join();
  return missing_;
}

std::uint64_t Keeper::put(std::vector<Record>&& records, bool is_urgent) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    if (incoming_.empty())
      incoming_ = std::move(records);
    else
      incoming_.insert(incoming_.end(), std::make_move_iterator(records.begin()),
                       std::make_move_iterator(records.end()));
    is_urgent_ = is_urgent_ || is_urgent;
    number = ++put_;
  }
  bell_.notify_one();
  return number;
}

std::uint64_t Keeper::put(Allowed&& allowed) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    allowed_incoming_ = std::move(allowed);
    is_urgent_ = true;
    number = ++put_;
  }
  bell_.notify_one();
  return number;
}

std::string Keeper::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Keeper::take(std::unique_lock<std::mutex>& lock) {
  std::vector<Record> records = std::exchange(incoming_, {});
  if (allowed_incoming_) allowed_pending_ = std::exchange(allowed_incoming_, std::nullopt);
  taken_ = put_;
  is_urgent_ = false;
  lock.unlock();
  for (Record& record : records) {
    const base::Ip source = record.source;
    pending_.insert_or_assign(source, std::move(record));
  }
}

void Keeper::run() {
  bool is_ending = false;
  while (!is_ending) {
    std::unique_lock lock(mutex_);
    const auto called = [this] { return is_ending_ || is_urgent_; };
    const auto has_work = [&] { return called() || put_ != taken_; };
    if (!pending_.empty() || allowed_pending_ || store_ == nullptr)
      bell_.wait_until(lock, retry_at_, called);
    else
      bell_.wait_for(lock, kRetry, has_work);
    if (put_ != taken_ && !called()) bell_.wait_for(lock, kCompany, called);
    is_ending = is_ending_;
    take(lock);
    if (store_ == nullptr && (is_ending || Clock::now() >= retry_at_)) {
      retry_at_ = Clock::now() + kRetry;
      if (!open_again()) wake_();
    }
    const bool is_idle = pending_.empty() && !allowed_pending_;
    if (store_ != nullptr && write_pending()) look_around(is_idle);
    shed();
    numbers_.pending.set(pending_.size());
    prune_sometimes();
  }
  finish();
}

// What could not be settled, for a reader is in the way, stays in SQLite's log, which the next
// start reads; what is lost is begun anew.
void Keeper::finish() {
  for (int i = 0; i < kLastTries; ++i) {
    if (store_ == nullptr && !open_again()) break;
    if (lacks_most_) take_everything();
    if (!write_pending()) continue;
    const base::Status settled = store_->settle();
    if (settled || (store_->last_fault() != Fault::lost && store_->last_fault() != Fault::broken)) {
      lacks_most_ = false;
      break;
    }
    give_up(settled.error(), store_->last_fault());
  }
  if (lacks_most_) take_everything();  // to be counted
  numbers_.pending.set(pending_.size());
  missing_ = what_is_missing();
}

void Keeper::take_everything() {
  if (!everything_) return;
  Everything all = everything_();
  for (Record& record : all.records) {
    const base::Ip source = record.source;
    pending_.insert_or_assign(source, std::move(record));
  }
  allowed_pending_ = std::move(all.allowed);
}

std::string Keeper::what_is_missing() const {
  if (pending_.empty() && !allowed_pending_) return {};
  std::array<std::size_t, 3> counts{};
  for (const auto& [source, record] : pending_)
    ++counts.at(static_cast<std::size_t>(record.standing));
  const auto [ended, blocks, memories] = counts;
  return fmt::format(
      "{} lacks {} block{} and {} memor{} of earlier ones, which end with this process{}{}: {}",
      settings_.path, blocks, blocks == 1 ? "" : "s", memories, memories == 1 ? "y" : "ies",
      ended == 0 ? std::string() : fmt::format(", and that {} ended", ended),
      allowed_pending_ ? ", and what was allowed by command" : "", trouble());
}

bool Keeper::write_pending() {
  std::vector<Record> batch;
  while (!pending_.empty() || allowed_pending_) {
    batch.clear();
    for (auto it = pending_.begin(); it != pending_.end() && batch.size() < kBatch; ++it)
      batch.push_back(it->second);
    const Allowed* allowed = allowed_pending_ ? &*allowed_pending_ : nullptr;
    if (base::Status written = store_->write(batch, allowed); !written) {
      give_up(written.error(), store_->last_fault());
      return false;
    }
    for (const Record& record : batch) pending_.erase(record.source);
    allowed_pending_.reset();
    numbers_.written.add(batch.size());
    numbers_.commits.add(1);
  }
  recover();
  // release: pairs with is_durable()
  if (durable_.exchange(taken_, std::memory_order_release) != taken_) wake_();
  return true;
}

// Once a second: whether the files are still ours; and when there is nothing else to do, little
// stays that stands in SQLite's log alone.
void Keeper::look_around(bool is_idle) {
  if (Clock::now() < look_at_) return;
  look_at_ = Clock::now() + kRetry;
  base::Status fine = store_->look();
  if (fine && is_idle) fine = store_->tidy();
  if (!fine) give_up(fine.error(), store_->last_fault());
}

void Keeper::give_up(const base::Error& error, Fault fault) {
  numbers_.failures.add(1);
  retry_at_ = Clock::now() + kRetry;
  lacks_most_ = lacks_most_ || fault == Fault::broken || fault == Fault::lost;
  const bool is_news = numbers_.degraded.value() == 0;
  std::string trouble = error.text;
  if (fault == Fault::broken) store_.reset();  // open_again() begins anew
  if (fault == Fault::lost) {
    const std::string aside = BlockStore::abandon(std::move(store_));
    if (!aside.empty()) trouble += fmt::format("; what is left of it is kept as {}", aside);
  }
  {
    const std::lock_guard lock(mutex_);
    trouble_ = trouble;
  }
  numbers_.degraded.set(1);
  if (is_news) say_(trouble + kMeanwhile);
  wake_();
}

void Keeper::recover() {
  if (numbers_.degraded.value() == 0) return;
  if (is_refilling()) return;
  lacks_most_ = false;
  numbers_.degraded.set(0);
  {
    const std::lock_guard lock(mutex_);
    trouble_.clear();
  }
  say_(fmt::format("{} is written again, nothing waits for it any more", settings_.path));
}

// A new file lacks most of the ledger until its owner has put all of it, which goes on without a
// pause once it was asked for.
bool Keeper::is_refilling() {
  if (wants_everything_.load(std::memory_order_acquire)) {
    refilled_at_ = Clock::now() + kRetry;
    return true;
  }
  return Clock::now() < refilled_at_;
}

// After a start without a usable file, or after it broke. What is in it now is older than what the
// ledger has, but for sources that the ledger knows nothing of: those stay in it.
bool Keeper::open_again() {
  const std::string homeless = home_.bring_back();
  Opened opened = BlockStore::open(settings_.path);
  if (opened.store == nullptr) {
    numbers_.failures.add(1);
    still_without(homeless.empty() ? opened.trouble : homeless);
    return false;
  }
  home_.remember(settings_.path);
  lacks_most_ = true;
  for (const std::string& note : opened.notes) say_(note);
  store_ = std::move(opened.store);
  wants_everything_.store(true, std::memory_order_release);
  wake_();
  return true;
}

// The reason may be another one by now; it is said when it is.
void Keeper::still_without(const std::string& trouble) {
  {
    const std::lock_guard lock(mutex_);
    if (trouble.empty() || trouble == trouble_) return;
    trouble_ = trouble;
  }
  say_(trouble + kMeanwhile);
}

void Keeper::prune_sometimes() {
  if (store_ == nullptr || Clock::now() < prune_at_) return;
  prune_at_ = Clock::now() + kPrune;
  const std::int64_t quiet_before =
      wall_now() -
      std::chrono::duration_cast<std::chrono::microseconds>(settings_.forget_after).count();
  const base::Status pruned = store_->prune(quiet_before, settings_.history_max);
  if (!pruned) give_up(pruned.error(), store_->last_fault());
}

void Keeper::shed() {
  if (pending_.size() <= settings_.pending_max) return;
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (pending_.size() <= settings_.pending_max) return;
    if (it->second.standing != Standing::remembered) {
      ++it;
      continue;
    }
    it = pending_.erase(it);
    numbers_.lost.add(1);
  }
}

}  // namespace edgesentry::store
