// Keys of what is done when something fails. Private to config; fields.cc puts the parts together.
#pragma once

#include "config/field_slots.h"

namespace edgesentry::config {

inline constexpr std::array<std::string_view, 3> kTableFulls = {"shed", "contain", "open"};
inline constexpr std::array<std::string_view, 2> kRingFulls = {"shed", "open"};
inline constexpr std::array<std::string_view, 2> kNoBuffersActions = {"shed", "ignore"};
inline constexpr std::array<std::string_view, 2> kRulesFulls = {"shed", "open"};
inline constexpr std::array<std::string_view, 4> kControlStalleds = {"shed", "open", "closed",
                                                                     "restart"};
inline constexpr std::array<std::string_view, 3> kWorkerStalleds = {"restart", "open", "ignore"};
inline constexpr std::array<std::string_view, 2> kDiskFulls = {"shed", "open"};
inline constexpr std::array<std::string_view, 2> kLinkDowns = {"ignore", "propagate"};

inline constexpr std::array kFailureFields = {
    Field{.key = "failure.table_full",
          .slot = &in<&Config::failure, &Failure::table_full>,
          .restart = true,
          .help =
              "When table.blocks sources are blocked. shed: the detector's block that ends soonest "
              "gives way; contain: a new scanner keeps only live services; open: it is only "
              "reported.",
          .example = R"("shed")",
          .words = kTableFulls},
    Field{.key = "failure.ring_full",
          .slot = &in<&Config::failure, &Failure::ring_full>,
          .restart = true,
          .help =
              "When alerts find no room on their way to control. shed: workers drop at once and "
              "report later; open: they drop only when control has heard of it.",
          .example = R"("shed")",
          .words = kRingFulls},
    Field{.key = "failure.no_buffers",
          .slot = &in<&Config::failure, &Failure::no_buffers>,
          .restart = true,
          .help =
              "When packet buffers run out. shed: no challenge and no answer is sent until there "
              "are some; ignore: they go on.",
          .example = R"("shed")",
          .words = kNoBuffersActions},
    Field{
        .key = "failure.rules_full",
        .slot = &in<&Config::failure, &Failure::rules_full>,
        .restart = true,
        .help =
            "When an enforcer outside of the workers has no room. shed: the detector's block that "
            "ends soonest gives way where nothing else drops; open: what has no room waits, and "
            "is only on record.",
        .example = R"("shed")",
        .words = kRulesFulls},
    Field{
        .key = "failure.control_stalled",
        .slot = &in<&Config::failure, &Failure::control_stalled>,
        .restart = true,
        .help =
            "When the control thread stands still. shed: blocks hold, new ones wait for it; open: "
            "every packet passes; closed: none does; restart: the process ends after "
            "failure.restart_after.",
        .example = R"("shed")",
        .words = kControlStalleds},
    Field{.key = "failure.worker_stalled",
          .slot = &in<&Config::failure, &Failure::worker_stalled>,
          .restart = true,
          .help =
              "When a worker stands still. restart: the process ends after failure.restart_after, "
              "for systemd to start it anew; open: other workers forward what they would hand over "
              "to it; ignore: it is only said.",
          .example = R"("restart")",
          .words = kWorkerStalleds},
    Field{.key = "failure.disk_full",
          .slot = &in<&Config::failure, &Failure::disk_full>,
          .restart = true,
          .help =
              "When the state file or a log cannot be written. shed: blocks are made and kept in "
              "memory; open: no source is blocked without a record, it is only reported.",
          .example = R"("shed")",
          .words = kDiskFulls},
    Field{.key = "failure.link_down",
          .slot = &in<&Config::failure, &Failure::link_down>,
          .restart = true,
          .help =
              "Inline, when a port has no link. propagate: the other port of its segment is taken "
              "down too, so that routers on both sides notice; it comes back with the first.",
          .example = R"("propagate")",
          .words = kLinkDowns},
    Field{
        .key = "failure.stalled_after",
        .slot = &in<&Config::failure, &Failure::stalled_after>,
        .range = {500, kMinute},
        .restart = true,
        .help = "A worker or the control thread that has not been round for so long stands still.",
        .example = R"("5s")"},
    Field{.key = "failure.restart_after",
          .slot = &in<&Config::failure, &Failure::restart_after>,
          .range = {kSecond, kHour},
          .restart = true,
          .help = "... and ends the process after so long, where restart is chosen.",
          .example = R"("30s")"},
    Field{.key = "failure.stop_within",
          .slot = &in<&Config::failure, &Failure::stop_within>,
          .range = {kSecond, kHour},
          .restart = true,
          .help =
              "A stop that takes longer ends by force and says what it left. A second SIGTERM does "
              "the same at once.",
          .example = R"("30s")"},
};

}  // namespace edgesentry::config
