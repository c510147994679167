// Scans that are spread over many sources, each of which does too little to be caught alone: many
// ports of one target (fan-in), or one port of many targets (flux).
//
// Owner: one thread (control, or replay). Pure: time is passed in. Fed with the workers' clues,
// each a failed contact of a source with few. A clue costs a look at no more than kClues others for
// each of the two crowds it may belong to; memory is bounded by kCrowds x kClues of each kind, and
// the crowd that was quiet for longest goes first. Whoever sends the clues chooses everything in
// them.
//
// What is told apart, and by what:
// - an outage, peers of a peer-to-peer network, decoys: many sources at the same few targets and
//   ports, so few pairs for the number of clues;
// - a flood with forged sources: more than kClueRate clues a second. While it lasts nothing is said
//   of that target or port, and no member is named;
// - one source behind much of it: fewer than kSources.
// Shape of the idea: Zeek scan-NG's port flux (concurrent scanners of a port lower the threshold
// for each) and Staniford et al. 2002, which groups probes of several sources that fit together.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "policy/crowd_finding.h"
#include "policy/login_crowd.h"
#include "policy/slot_list.h"
#include "policy/source_index.h"
#include "scan/alert.h"

namespace edgesentry::policy {

enum class CrowdKind : std::uint8_t {
  fan_in,  // one target, many ports
  flux,    // one port, many targets
};

class Crowds {
 public:
  static constexpr base::Micros kWindow = base::seconds(600);
  static constexpr std::uint32_t kClues = 512;  // of one crowd within the window
  static constexpr std::uint32_t kCrowds = 256;
  // Ten strangers that all fail at one host or one port within ten minutes, as scan-NG's first
  // report on a subnet full of scanners; below that, chance and shared faults do as much.
  static constexpr std::uint32_t kSources = 10;
  // Above the 15 ports or targets for which one source alone is a scanner: services that a host
  // has lost at once, or links to it that went stale, are fewer.
  static constexpr std::uint32_t kPairs = 20;
  // Scanners that share work seldom do it twice: at least one new pair for two clues. Once known,
  // the same ground is covered again in time, and one in eight keeps the crowd known.
  static constexpr std::uint32_t kCluesPerPair = 2;
  static constexpr std::uint32_t kCluesPerPairKnown = 8;
  // From here on more likely forged sources than real ones: at this rate a crowd would try all
  // well-known ports in ten seconds, and has no reason to spread over many sources.
  static constexpr std::uint32_t kClueRate = 100;
  static constexpr base::Micros kFloodCalm = base::seconds(60);
  // Peers of one network look for each other at one high port of many hosts, mostly at one host
  // each. On ports from here on, flux needs sources that tried two targets on average.
  static constexpr std::uint16_t kHighPorts = 1024;
  // Failed contacts of its own for which a member is blocked. One or two packets can be forged in
  // anybody's name; a source alone is blocked at five, and ten others make up for two of them.
  static constexpr std::uint32_t kOwnFailures = 3;
  static constexpr std::uint32_t kMembersReported = 256;  // of one scan, besides those to block
  static constexpr std::uint32_t kSaid = 4096;  // members remembered as reported, within the window
  static constexpr std::uint32_t kDense = 16;   // sources in one /24 (IPv6: /56, /48): say so

  Crowds();

  // What follows from it, in order; valid until the next call. Clues of logins are LoginCrowds'.
  [[nodiscard]] std::span<const CrowdFinding> take(const scan::Alert& clue, base::Micros now);
  [[nodiscard]] std::uint32_t watched() const noexcept;  // crowds that have a clue or more

 private:
  struct Clue {
    base::Ip source, target;
    base::Micros at;
    std::uint16_t port = 0;
    bool is_proven = false;
    scan::Technique technique = scan::Technique::tcp_syn;
    scan::ToolName tool;
  };
  struct Crowd {
    base::Ip key;
    std::unique_ptr<Clue[]> clues;  // a ring: `count` from `first` on, oldest first
    std::uint32_t first = 0, count = 0;
    std::uint32_t sources = 0, pairs = 0;  // distinct ones among the clues
    bool is_known = false;                 // a scan, and reported
    std::uint32_t sources_ever = 0, sources_said = 0, members_said = 0;
    std::uint64_t clues_ever = 0;
    std::uint64_t second = 0;  // of clue_rate
    std::uint32_t clue_rate = 0;
    base::Micros flooded_until;

    [[nodiscard]] Clue& at(std::uint32_t i) noexcept { return clues[(first + i) % kClues]; }
    [[nodiscard]] const Clue& at(std::uint32_t i) const noexcept {
      return clues[(first + i) % kClues];
    }
  };
  // All crowds of one kind.
  struct Table {
    Table() : crowds(kCrowds), index(kCrowds) { links.links.resize(kCrowds); }
    Crowd& of(const base::Ip& key);
    std::vector<Crowd> crowds;
    SourceIndex index;
    SlotLinks links;
    SlotList by_age;
    std::uint32_t used = 0;
  };
  struct Own {
    std::uint32_t failures = 0;
    bool has_pair = false;   // somebody tried this target and port before
    bool is_repeat = false;  // ... and it was this source
  };

  void take(CrowdKind kind, const base::Ip& key, const scan::Alert& clue, base::Micros now);
  [[nodiscard]] static bool is_flood(Crowd& crowd, base::Micros now);
  static void forget_oldest(Crowd& crowd);
  static void start_over(Crowd& crowd);
  [[nodiscard]] static Own look(const Crowd& crowd, const Clue& clue);
  [[nodiscard]] static bool is_scan(const Crowd& crowd, CrowdKind kind);
  void say_whole(Crowd& crowd, const scan::Alert& clue, scan::AlertKind kind);
  void say_members(Crowd& crowd, base::Micros now);
  void say_member(Crowd& crowd, const base::Ip& source, base::Micros now);

  // A member that was spoken of within the window, in whichever crowd.
  struct Said {
    base::Ip source;
    base::Micros at;
    bool is_reported = false, is_decided = false;
  };
  [[nodiscard]] Said& said_of(const base::Ip& source, base::Micros now);

  LoginCrowds logins_;
  Table targets_;
  Table ports_;
  std::vector<Said> said_;  // a ring
  SourceIndex said_index_{kSaid};
  std::uint32_t said_next_ = 0, said_used_ = 0;
  std::vector<CrowdFinding> findings_;
};

// "23 sources of 198.51.100.0/24 and elsewhere ...": the whole scan, for people.
[[nodiscard]] std::string crowd_sentence(const CrowdFinding& finding);

}  // namespace edgesentry::policy
