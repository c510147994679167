#include "edgesentryd/payloads.h"

#include <exception>
#include <utility>

namespace edgesentry::appliance {

namespace {

control::PatternsView view_of(const signature::OpenedPatterns& opened, bool is_looking) {
  return {.is_looking = is_looking,
          .path = opened.path,
          .count = opened.database == nullptr ? 0 : opened.database->patterns().size(),
          .trouble = opened.trouble};
}

}  // namespace

base::Result<signature::OpenedPatterns> open_patterns(
    const config::Payload& payload, bool has_heir,
    const std::function<void(std::string_view)>& say) {
  if (!payload.enabled) return signature::OpenedPatterns{};
  if (has_heir && !payload.cache.empty())
    say("patterns are compiled at this start: the cache is for reloads, as the user of "
        "[privilege]");
  signature::OpenedPatterns opened =
      signature::open_patterns({.path = payload.patterns,
                                .cache_folder = has_heir ? std::string() : payload.cache,
                                .is_verified = true});
  for (const std::string& notice : opened.notices) say(notice);
  if (!opened.problems.empty()) return base::Error{opened.problem_lines()};
  return opened;
}

Payloads::Payloads(const signature::OpenedPatterns& opened, Watches watches)
    : watches_(watches),
      view_(view_of(opened, !watches.empty())),
      in_force_(watches.empty() ? 0 : opened.fingerprint) {}

Payloads::~Payloads() {
  if (thread_.joinable()) thread_.join();
}

void Payloads::read(const config::Payload& payload) {
  EDGESENTRY_CHECK(!thread_.joinable(), "a reload waits for the outcome of the one before");
  work_ = std::make_unique<Work>();
  work_->payload = payload;
  // What was in trouble is tried again, so that a reload shows whether it is mended.
  work_->in_force = view_.trouble.empty() ? in_force_ : 0;
  thread_ = std::thread([this, work = work_.get()] { this->work(*work); });
}

void Payloads::work(Work& work) const {
  try {
    prepare(work);
  } catch (const std::exception& fault) {
    work.problems.push_back(std::string("the patterns could not be read: ") + fault.what());
  }
  work.is_done.store(true, std::memory_order_release);  // partner: outcome()
}

void Payloads::prepare(Work& work) const {
  work.opened = signature::open_patterns({.path = work.payload.patterns,
                                          .cache_folder = work.payload.cache,
                                          .is_verified = true,
                                          .in_force = work.in_force});
  for (const config::Problem& problem : work.opened.problems)
    work.problems.push_back(problem.to_string());
  if (work.opened.path.empty()) work.problems.push_back("payload.patterns: " + work.opened.trouble);
  if (work.opened.database == nullptr) return;
  for (const auto& watch : watches_) {
    auto lens = watch->make_lens(work.opened.database);
    if (!lens.ok()) return work.problems.push_back(lens.error().text);
    work.lenses.push_back(std::move(lens).value());
  }
}

std::optional<control::PatternsRead> Payloads::outcome() {
  if (!work_->is_done.load(std::memory_order_acquire)) return std::nullopt;
  thread_.join();
  if (work_->opened.is_in_force) view_.path = work_->opened.path;
  return control::PatternsRead{
      .problems = work_->problems,
      .notices = work_->opened.notices,
      .is_new = !watches_.empty() && work_->problems.empty() && !work_->opened.is_in_force};
}

void Payloads::adopt() {
  for (std::size_t i = 0; i < watches_.size(); ++i) watches_[i]->offer(std::move(work_->lenses[i]));
  view_ = view_of(work_->opened, true);
  in_force_ = work_->opened.fingerprint;
  work_.reset();
}

void Payloads::collect() {
  for (const auto& watch : watches_) watch->collect();
}

}  // namespace edgesentry::appliance
