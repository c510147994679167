// Where the control thread's events go: log sinks through the dispatcher, the operator's command
// through the responder, clients of the HTTP API through the feed. offer() and show() never block;
// each of the three counts what it refuses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "control/event_sink.h"
#include "report/command_runner.h"
#include "report/dispatcher.h"
#include "report/responder.h"
#include "serve/event_feed.h"
#include "store/event_keeper.h"

namespace edgesentry::appliance {

// Where `edgesentry history` looks: beside state.file, which is not empty.
[[nodiscard]] std::string events_file(const config::State& state);
// Of state.file; what is wrong is said by who opens it.
void make_state_folder(const config::State& state);

class Outlets final : public control::EventSink {
 public:
  // `say` is told, on the dispatcher's thread, when a log cannot be written and when it can again.
  // `runner` runs the operator's command; nullptr when there is none.
  static base::Result<std::unique_ptr<Outlets>> open(const config::Log& log,
                                                     const config::State& state,
                                                     report::CommandRunner* runner,
                                                     report::Dispatcher::Say say);
  ~Outlets() noexcept override;
  Outlets(const Outlets&) = delete;
  Outlets& operator=(const Outlets&) = delete;

  [[nodiscard]] bool offer(report::Event&& event) noexcept override {
    const bool is_answered = responder_.offer(event);
    return dispatcher_.offer(std::move(event)) && is_answered;
  }
  void show(std::uint64_t number, const report::Event& event) noexcept override {
    if (feed_ != nullptr) feed_->offer(number, event);
  }
  // Before the control thread starts; nullptr: nobody can follow live. The feed outlives it.
  void show_live(serve::EventFeed* feed) noexcept { feed_ = feed; }
  [[nodiscard]] std::vector<report::SinkHealth> logs() const override {
    return dispatcher_.health();
  }
  // Writes and runs what is queued, within the deadline of each. Once, after the last offer.
  void stop();

  [[nodiscard]] const report::Dispatcher& dispatcher() const noexcept { return dispatcher_; }
  [[nodiscard]] const report::Responder& responder() const noexcept { return responder_; }
  // nullptr: events are not kept.
  [[nodiscard]] store::EventKeeper* history() const noexcept { return history_.get(); }

 private:
  Outlets(const config::Log& log, std::unique_ptr<store::EventKeeper> history,
          report::Responder::Settings responder, report::Dispatcher::Say say);

  std::unique_ptr<store::EventKeeper> history_;  // before the dispatcher, whose sink uses it
  report::Dispatcher dispatcher_;
  report::Responder responder_;
  serve::EventFeed* feed_ = nullptr;
};

}  // namespace edgesentry::appliance
