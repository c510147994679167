// Events of the last weeks: the sink that keeps them, and the `history` command that looks for
// them. The keeper's thread reads the file and answers, so that control never waits for a disk.
//
// Owner: HistorySink by the dispatcher, the rest by the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "control/mailbox.h"
#include "report/line_limiter.h"
#include "report/sink.h"
#include "store/event_keeper.h"

namespace edgesentry::control {

class HistorySink final : public report::Sink {
 public:
  HistorySink(store::EventKeeper& keeper, std::uint32_t lines_per_second_max)
      : keeper_(keeper), limiter_(lines_per_second_max) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "history"; }
  [[nodiscard]] std::string_view place() const noexcept override { return keeper_.path(); }
  base::Status write(const report::Event& event) override;
  base::Status flush() override;
  base::Status finish() override;

 private:
  void put(const report::Event& event);
  base::Status status();

  store::EventKeeper& keeper_;
  report::LineLimiter limiter_;
};

// Answers the letter, now or on the keeper's thread.
void ask_history(store::EventKeeper& keeper, store::EventQuery&& query, Mailbox::Letter&& letter);

}  // namespace edgesentry::control
