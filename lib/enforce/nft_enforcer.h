// A packet filter of the kernel as an enforcer: what the ledger blocks stands in nftables sets, put
// there by edgesentry-nft, or in the maps of an XDP program, put there by edgesentry-xdp.
//
// Owner: the control thread. submit() only notes which sources changed; reconcile() asks the ledger
// what holds for them now, so that orders coalesce and an old one can do no harm. A few requests
// are on their way at most, and what the other end cannot take yet waits, one place a source; past
// kChangedMax the whole ledger is replayed instead. A replay names every block and then has all
// else deleted: after a start, when the other end was lost, when the tables were changed by
// somebody else, when counts differ, and every kReplayEvery.
//
// The ledger owns expiry. An element's own time limit lies `margin` behind the end of its block and
// ends it only when nobody is left to.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "enforce/enforcer.h"
#include "enforce/nft_link.h"
#include "enforce/nft_protocol.h"
#include "enforce/room.h"

namespace edgesentry::enforce {

class NftEnforcer final : public Enforcer {
 public:
  static constexpr std::size_t kChangedMax = std::size_t{1} << 18;
  static constexpr base::Micros kCheckEvery = base::milliseconds(250);
  static constexpr base::Micros kReplayEvery = base::seconds(6 * 3600);
  static constexpr base::Micros kReplyLimit = base::seconds(30);
  // The same while somebody waits to be let in again, or everybody does: doubled with each program
  // that was given up so, because on a busy machine one may be slow and not hang.
  static constexpr base::Micros kLiftLimit = base::milliseconds(2500);
  // Of an answer: from then on nothing is claimed to be in force.
  static constexpr base::Micros kDoubtAfter = base::seconds(3);

  // What it is called in sentences.
  struct Names {
    std::string_view filter = "nftables";
    std::string_view program = "edgesentry-nft";
    std::string_view things = "its tables";  // what somebody else may have changed
    std::string_view without =               // what is the case while it does not work
        "blocks are not, or not surely, in force in the kernel until it works again";
    std::string_view by_hand = "delete its tables with: nft delete table inet edgesentry";
    bool passes_by_removal = true;  // under the bypass nothing is left in the kernel
  };
  static constexpr Names kXdp = {"xdp",
                                 "edgesentry-xdp",
                                 "its program or its maps",
                                 "XDP drops nothing, or not surely what is blocked, until it "
                                 "works again",
                                 "detach its program from each of its interfaces",
                                 false};

  struct Settings {
    Names names;
    std::string
        by_hand;  // the same as names.by_hand, where interfaces are known; empty: they are not
    bool is_there_before = true;  // what an earlier run left, or nobody has looked
    base::Micros margin = base::seconds(60);
    std::function<base::Micros()> now = base::monotonic_now;
    std::function<void(std::string)> say = [](const std::string&) {};  // troubles and their end
  };

  NftEnforcer(NftLink& link, Settings settings);

  [[nodiscard]] std::string_view name() const noexcept override { return settings_.names.filter; }
  [[nodiscard]] bool is_kernel() const noexcept override { return true; }
  [[nodiscard]] std::string_view place() const noexcept override { return place_; }
  void submit(std::span<const scan::Order> orders) override;
  void reconcile(const policy::Ledger& ledger) override;
  void set_bypass(bool is_on) override;
  void limit_to_present(bool is_on) override;
  [[nodiscard]] Health health() const noexcept override;
  [[nodiscard]] std::string trouble() const override;
  [[nodiscard]] std::string_view by_hand() const noexcept override {
    return settings_.by_hand.empty() ? settings_.names.by_hand : settings_.by_hand;
  }

  // At the end. Deletes the tables, within the limit, or leaves them to their time limits. A
  // program that is not there or does not answer is replaced once, with the same limit. Where that
  // fails too it is an Error only if there may be something in the kernel.
  enum class AtStop : std::uint8_t { remove, keep };
  [[nodiscard]] base::Status stop(AtStop what, std::chrono::milliseconds limit);

 private:
  struct Waiting {
    NftAsk ask;
    std::uint32_t sequence;
    base::Micros sent;
    std::uint64_t elements;
    std::uint64_t expected;  // of a check: blocks in the ledger, all of them passed on; or kUnknown
  };
  enum class Replay : std::uint8_t { none, wanted, running };

  bool is_up(base::Micros now);
  void forget_lifts();
  void give_up_silent(base::Micros now);
  [[nodiscard]] base::Micros silence(base::Micros now) const noexcept;
  [[nodiscard]] std::string ask_last(NftAsk last, base::Micros limit);
  void read_replies(base::Micros now);
  void take_reply(const NftReply& reply, const Waiting& about, base::Micros now);
  void take_check(const NftReply& reply, const Waiting& about);
  void take_drops(std::uint64_t drops);
  void take_failure(const NftReply& reply, base::Micros now);
  void lose(std::string why, base::Micros now);
  [[nodiscard]] std::vector<NftElement> sample(const policy::Ledger& ledger, base::Micros now);
  void send_changes(const policy::Ledger& ledger, base::Micros now);
  void replay(const policy::Ledger& ledger, base::Micros now);
  bool send(NftRequest request, base::Micros now, std::uint64_t expected);
  bool send(NftAsk ask, base::Micros now);
  void want_replay(std::string why);
  void have_trouble(std::string trouble);
  void set_trouble(std::string trouble);
  void say_whole();
  [[nodiscard]] bool has_room() const noexcept;
  [[nodiscard]] NftElement element_of(const base::Ip& source, const policy::Entry* entry,
                                      base::Micros now) const;
  [[nodiscard]] NftElement place_of(const policy::Ledger& ledger, const base::Ip& source,
                                    const policy::Entry* entry, base::Micros now);
  void let_in(const policy::Ledger& ledger);
  bool is_of_room(const NftReply& refusal, base::Micros now);
  void say_room();

  NftLink& link_;
  const Settings settings_;
  bool is_open_ = false;
  bool is_greeted_ = false;  // the answer to hello has come
  bool has_ever_opened_ = false;
  bool is_bypassed_ = false;
  bool has_passed_ = false;  // the bypass has been confirmed
  bool may_be_there_;        // in the kernel, something of ours
  bool must_pass_ = false;   // the bypass is on, and the other end does not know it
  bool must_greet_ = false;  // the bypass is off again
  base::Micros open_again_;
  base::Micros opened_;
  base::Micros patience_;  // before the next start, doubled with each that did not last
  std::deque<Waiting> waiting_;
  base::Micros heard_;            // when the last answer came
  bool is_lift_waiting_ = false;  // or the bypass
  base::Micros lift_limit_ = kLiftLimit;
  std::uint32_t sequence_ = 0;
  std::unordered_set<base::Ip, base::IpHash> changed_;
  Replay replay_ = Replay::wanted;
  std::uint32_t cursor_ = 0;         // of the replay
  std::uint32_t sample_cursor_ = 0;  // of what is looked up to see whether it is there
  base::Micros replay_not_before_;
  base::Micros replay_patience_;
  base::Micros replayed_;
  base::Micros checked_;
  mutable std::mutex mutex_;      // for trouble_, which this thread alone writes
  std::string trouble_;           // what was said last; empty: all is well
  std::string repair_;            // why the running replay was wanted; empty: nobody need be told
  bool is_whole_ = false;         // a replay has been carried out since the last trouble
  std::uint64_t drops_read_ = 0;  // as the kernel's counters last stood
  std::string place_;
  Health health_;
  Room room_;
  base::Micros room_learned_;
  bool is_full_said_ = false;
  bool is_trial_ = false;  // the limit is one that somebody tries out
};

}  // namespace edgesentry::enforce
