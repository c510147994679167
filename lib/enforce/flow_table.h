// The drop rules of one port: which sources should have one, which do, and what the port makes of
// it. Rules are few and sources may be many, so the hottest come first.
//
// Heat is a moment: when the source was last known to be busy, and kHalving later for each doubling
// of its rate. So it ages by itself. It begins with the evidence of the block; where the port
// counts what a rule drops, it follows the count, and a rule that drops nothing cools kCooling
// times faster, so that sources nobody has looked at for a while get their turn.
//
// Owner: the control thread. step() is bounded by operations and by time; a rule that must go goes
// before any is made. What the port refuses is set aside and tried again later, and its capacity is
// what it had when it said that it was full, until another try. A rule that is missing or does not
// go has all rules removed and made anew.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/units.h"
#include "enforce/flow_api.h"

namespace edgesentry::enforce {

class FlowTable {
 public:
  static constexpr int kOperationsPerStep = 256;
  static constexpr base::Micros kTimePerStep = base::milliseconds(2);
  static constexpr base::Micros kLookEvery = base::seconds(30);
  static constexpr base::Micros kHalving = base::seconds(300);
  static constexpr std::uint64_t kCooling = 6;
  static constexpr base::Micros kAside = base::seconds(30);
  static constexpr base::Micros kRaiseFirst = base::seconds(60);
  static constexpr base::Micros kRaiseMost = base::seconds(3600);
  static constexpr base::Micros kPauseFirst = base::milliseconds(500);
  static constexpr base::Micros kPauseMost = base::seconds(60);
  static constexpr int kRefusalsInARow = 8;  // then the port rests
  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  struct Settings {
    std::size_t rules_max = 0;                       // 0: what the port takes
    std::size_t sources_max = std::size_t{1} << 18;  // the coldest of more are forgotten
    std::function<base::Micros()> now = base::monotonic_now;
  };
  struct Numbers {
    std::uint64_t programmed = 0, pending = 0;
    std::uint64_t capacity = 0;  // 0: not met yet
    std::uint64_t waiting = 0;   // for room that the port does not have, as it said itself
    std::uint64_t created = 0, failures = 0, replays = 0, packets = 0;
  };

  FlowTable(FlowApi& port, Settings settings) : port_(port), settings_(std::move(settings)) {}

  // At the start: what kinds of rules the port takes. An error: none, and it is left alone.
  [[nodiscard]] base::Status validate();
  [[nodiscard]] bool takes(const base::Ip& source) const noexcept {
    return source.is_v4() ? takes_v4_ : takes_v6_;
  }
  [[nodiscard]] bool is_counted() const noexcept { return is_counted_; }

  // `rate` in packets a second, `seen` the moment it was measured.
  void want(const base::Ip& source, double rate, base::Micros seen);
  void unwant(const base::Ip& source);
  // Between the two every source is wanted that shall be; end_walk() unwants the others.
  void begin_walk() noexcept {
    ++walk_;
    has_forgotten_ = false;
  }
  void end_walk();
  // Sources were forgotten for want of room, and there is some now: another walk finds them.
  [[nodiscard]] bool has_room_again() const noexcept {
    return has_forgotten_ && sources_.size() < settings_.sources_max / 2;
  }

  void set_bypass(bool is_on);
  // While on, it takes no more rules than it has now: how being full is tried out.
  void limit_to_present(bool is_on);
  void start_anew() noexcept { must_flush_ = true; }
  // `may_create` is false while some who must not be dropped may still be wanted.
  void step(bool may_create);
  [[nodiscard]] base::Status remove_all();

  [[nodiscard]] Numbers numbers() const noexcept;
  // Empty: all that has room is programmed, and nothing else is.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }
  [[nodiscard]] std::string_view label() const noexcept { return port_.label(); }

 private:
  enum class Place : std::uint8_t { waiting, programmed, leaving, aside };
  struct Source {
    std::uint64_t heat = 0;
    Place place = Place::waiting;
    FlowApi::Rule rule = 0;
    std::uint64_t packets = 0;
    base::Micros counted;  // when packets was read
    std::uint32_t walk = 0;
  };
  using Rank = std::pair<std::uint64_t, base::Ip>;  // the hottest is the last
  using Sources = std::unordered_map<base::Ip, Source, base::IpHash>;

  // What is left of a step.
  struct Allowance {
    const FlowTable& table;
    base::Micros until;
    int operations = kOperationsPerStep;
    bool take() { return operations-- > 0 && table.settings_.now() < until; }
  };

  void place(const base::Ip& source, Source& entry, Place where);
  void forget_rules();
  bool flush(base::Micros now);
  bool remove_leaving(Allowance& allowance);
  bool destroy(const base::Ip& source, Source& entry);
  void bring_back(base::Micros now);
  void create_some(Allowance& allowance);
  bool make_room();
  bool create(const base::Ip& source, Source& entry, base::Micros now);
  void meet_capacity(std::string fault, base::Micros now);
  void look(Allowance& allowance, base::Micros now);
  void take_count(const base::Ip& source, Source& entry, base::Micros now);
  void fail(std::string_view what, const std::string& fault, base::Micros now);
  [[nodiscard]] std::size_t limit() const noexcept;

  FlowApi& port_;
  const Settings settings_;
  bool takes_v4_ = false, takes_v6_ = false, is_counted_ = false;
  Sources sources_;
  std::set<Rank> waiting_, programmed_;
  std::set<base::Ip> leaving_;
  std::deque<std::pair<base::Micros, base::Ip>> aside_;  // until when
  std::vector<base::Ip> to_look_at_;
  base::Micros look_again_;
  std::uint32_t walk_ = 0;
  bool has_forgotten_ = false;
  bool is_bypassed_ = false;
  bool must_flush_ = false;
  std::uint64_t losses_ = 0;
  std::size_t capacity_ = kUnlimited;  // learned
  std::size_t trial_ = kUnlimited;     // limit_to_present()
  std::size_t capacity_before_ = 0;    // of the last try
  base::Micros raise_again_, raise_patience_ = kRaiseFirst;
  base::Micros pause_until_, pause_ = {};
  int refusals_ = 0;  // in a row
  std::string trouble_;
  Numbers numbers_;
};

}  // namespace edgesentry::enforce
