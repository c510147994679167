// `explain`: what is known of one source, as sentences an operator can forward, with the numbers
// beside them.
#include <fmt/core.h>

#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/evidence_words.h"
#include "control/mailbox.h"
#include "control/source_view.h"
#include "control/state.h"
#include "policy/decide.h"
#include "report/timestamps.h"

namespace edgesentry::control {

namespace {

using policy::Standing;

std::chrono::seconds whole_seconds(base::Micros duration) {
  return std::chrono::seconds(static_cast<std::int64_t>(duration.value / 1'000'000));
}

// An operator's block is no offence, and neither is one that an operator took back.
std::string offence_words(const policy::Entry& entry) {
  return entry.is_offence ? fmt::format(", offence {}", entry.offences) : std::string();
}

std::string in_force_sentence(const ControlState& state, const policy::Entry& entry) {
  const auto left = whole_seconds(base::elapsed(state.now.monotonic, entry.until));
  const bool is_detector = entry.origin == policy::Origin::detector;
  std::string text = fmt::format(
      "{} since {} until {} ({} left), {}{}",
      entry.standing == Standing::blocked ? "It is blocked"
                                          : "It would be blocked, in observe mode",
      report::utc_timestamp(state.wall_of(entry.since)),
      report::utc_timestamp(state.wall_of(entry.until)), policy::in_words(left),
      is_detector ? "decided by a detector" : "ordered by an operator", offence_words(entry));
  if (!entry.reason.empty()) text += ": " + entry.reason;
  return text + '.';
}

std::string standing_sentence(const ControlState& state, const policy::Entry& entry) {
  switch (entry.standing) {
    case Standing::blocked:
    case Standing::shadow:
      return in_force_sentence(state, entry);
    case Standing::remembered:
      return fmt::format(
          "It is not blocked; its last block{}{} ended at {}. After {} of quiet it is forgotten.",
          offence_words(entry), entry.is_offence ? "," : "",
          report::utc_timestamp(state.wall_of(entry.released)),
          policy::in_words(state.config.block.forget_after));
    case Standing::noted:
    case Standing::unknown:
      break;
  }
  if (entry.evidence != nullptr && entry.evidence->contained)
    return "It is contained, and not blocked: only what it sends to live services passes, until it "
           "proves that these packets are its own.";
  return "It was reported, and has never been blocked.";
}

std::string tool_sentence(const scan::ToolName& name) {
  if (name.tool == scan::Tool::none)
    return "No mark of a known tool was seen: a kernel's own connections have none.";
  return fmt::format("The tool is taken for {}, with {} confidence: {}.",
                     scan::to_string(name.tool), scan::to_string(name.confidence),
                     scan::words_for(name.mark));
}

std::string next_sentence(const ControlState& state, const policy::Entry& entry) {
  const auto offence = state.ledger.next_offence(&entry, state.now.monotonic);
  return fmt::format("Its next block would be offence {}, for {}.", offence,
                     policy::in_words(state.ledger.ladder_step(offence)));
}

}  // namespace

nlohmann::json explain_source(ControlState& state, const nlohmann::json& request) {
  const auto source = source_member(request, state.config.table.ipv6_prefix);
  if (!source) return error_reply(source.error().text);
  const base::Prefix prefix = state.ledger.prefix_of(source.value());
  const policy::Entry* entry = state.ledger.find(source.value());
  const auto exempt = state.exempt.why(source.value());

  nlohmann::json story = nlohmann::json::array();
  nlohmann::json reply = {{"ok", true}, {"source", prefix.to_string()}, {"standing", "unknown"}};
  if (exempt) {
    reply["exempt"] = policy::words_for(*exempt);
    story.push_back(fmt::format("It is never blocked: {}.", policy::words_for(*exempt)));
  }
  if (entry == nullptr) {
    story.push_back(fmt::format("Nothing is held against {}.", prefix.to_string()));
  } else {
    reply.update(source_view(state, *entry));
    if (entry->evidence != nullptr) {
      reply["evidence"] = evidence_view(state, *entry->evidence);
      story.push_back(
          fmt::format("First seen {}, last seen {}.",
                      report::utc_timestamp(state.wall_of(entry->evidence->first_seen)),
                      report::utc_timestamp(state.wall_of(entry->evidence->last_seen))));
      story.push_back(policy::scan_sentence(*entry->evidence, prefix) + '.');
      story.push_back(attempts_sentence(*entry->evidence));
      story.push_back(tool_sentence(entry->evidence->tool));
      story.push_back(proof_sentence(*entry->evidence));
      story.push_back(severity_sentence(*entry->evidence));
    } else if (entry->offences > 0) {
      story.push_back(fmt::format(
          "What it did was seen by an earlier run: 'edgesentry history {}' and its logs have it.",
          prefix.to_string()));
    }
    story.push_back(standing_sentence(state, *entry));
    const bool in_force =
        entry->standing == Standing::blocked || entry->standing == Standing::shadow;
    if (!exempt && !in_force) story.push_back(next_sentence(state, *entry));
    if (entry->held_events > 0)
      story.push_back(fmt::format("{} further reports of it were held back.", entry->held_events));
  }
  reply["story"] = std::move(story);
  return reply;
}

}  // namespace edgesentry::control
