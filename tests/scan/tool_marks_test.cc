#include "scan/tool_marks.h"

#include <gtest/gtest.h>

#include <random>

#include "scan/tool_probes.h"

namespace edgesentry::scan {
namespace {

template <class Make>
ToolName name_after(std::uint32_t probes, Make make) {
  ToolMarks marks;
  for (std::uint32_t n = 0; n < probes; ++n) marks.next(make(n));
  return marks.name();
}

void expect_name(const ToolName& name, Tool tool, Confidence confidence) {
  EXPECT_EQ(to_string(name.tool), to_string(tool)) << words_for(name.mark);
  EXPECT_EQ(to_string(name.confidence), to_string(confidence)) << words_for(name.mark);
}

std::uint32_t nmap_number(std::uint32_t mask, std::uint32_t tries) {
  return mask ^ (tries << 16 | tries);
}

TEST(ToolMarks, name_nothing_without_marks) {
  expect_name(ToolMarks{}.name(), Tool::none, Confidence::none);
  std::mt19937 random(3);
  expect_name(name_after(2000,
                         [&](std::uint32_t n) {
                           wire::Probe probe = plain_syn(nth(n));
                           probe.sequence = static_cast<std::uint32_t>(random());
                           probe.identification = static_cast<std::uint16_t>(random());
                           return probe;
                         }),
              Tool::none, Confidence::none);
}

TEST(ToolMarks, name_nmap_surely_once_its_number_stays) {
  const auto scan = [](std::uint32_t n) {
    return nmap_syn(nth(n), nmap_number(0xabcdef01, n % 3));  // with retries among them
  };
  expect_name(name_after(1, scan), Tool::nmap, Confidence::low);
  expect_name(name_after(2, scan), Tool::nmap, Confidence::medium);
  expect_name(name_after(3, scan), Tool::nmap, Confidence::high);
  EXPECT_EQ(name_after(3, scan).mark, Mark::nmap_one_sequence);
}

TEST(ToolMarks, are_not_sure_of_nmap_while_numbers_change) {
  std::mt19937 random(4);
  expect_name(name_after(50,
                         [&](std::uint32_t n) {
                           return nmap_syn(nth(n), static_cast<std::uint32_t>(random()));
                         }),
              Tool::nmap, Confidence::medium);
}

TEST(ToolMarks, want_nmaps_shape_with_the_constant_number) {
  expect_name(name_after(20, [](std::uint32_t n) { return plain_syn(nth(n)); }), Tool::none,
              Confidence::none);
}

TEST(ToolMarks, know_the_constant_number_of_ack_scans_and_fragments) {
  const auto ack_scan = [](std::uint32_t n) {
    wire::Probe probe = tcp(nth(n), kAckFlag);
    probe.window = 1024;
    probe.acknowledgement = 0x0badf00d;
    return probe;
  };
  expect_name(name_after(3, ack_scan), Tool::nmap, Confidence::high);
  const auto fragments = [](std::uint32_t sequence) {
    return [sequence](std::uint32_t n) {
      wire::Probe probe = tcp(nth(n), 0);
      probe.outcome = wire::ParseOutcome::truncated_transport;
      probe.traits = wire::trait::kFragment;
      probe.sequence = sequence + (sequence % 2) * n * 0x01234567;
      return probe;
    };
  };
  expect_name(name_after(3, fragments(0x5eed0002)), Tool::nmap, Confidence::high);
  expect_name(name_after(3, fragments(0x5eed0001)), Tool::nmap, Confidence::medium);
}

TEST(ToolMarks, name_masscan_at_the_first_cookie_in_its_shape) {
  std::mt19937 random(5);
  const auto scan = [&](std::uint32_t n) {
    return masscan_syn(nth(n), static_cast<std::uint32_t>(random()));
  };
  expect_name(name_after(1, scan), Tool::masscan, Confidence::high);
  expect_name(name_after(1,
                         [&](std::uint32_t n) {
                           wire::Probe probe = scan(n);
                           ++probe.identification;
                           return probe;
                         }),
              Tool::masscan, Confidence::low);
}

TEST(ToolMarks, want_a_share_of_cookies_outside_its_shape) {
  std::mt19937 random(6);
  const auto stray = [&](bool matches) {
    return [&random, matches](std::uint32_t n) {
      wire::Probe probe = masscan_syn(nth(n), static_cast<std::uint32_t>(random()));
      probe.window = 64240;
      probe.ttl = 60;
      if (!matches && n % 20 != 0) probe.identification ^= 1;
      return probe;
    };
  };
  expect_name(name_after(1, stray(true)), Tool::none, Confidence::none);
  expect_name(name_after(2, stray(true)), Tool::masscan, Confidence::medium);
  expect_name(name_after(2000, stray(false)), Tool::none, Confidence::none);
}

TEST(ToolMarks, name_zmap_of_each_version) {
  const auto old = [](std::uint32_t) {
    wire::Probe probe = zmap_syn(0, 245);
    probe.identification = 54321;
    return probe;
  };
  expect_name(name_after(1, old), Tool::zmap, Confidence::medium);
  expect_name(name_after(2, old), Tool::zmap, Confidence::high);
  const auto made = [](std::uint32_t layout) {
    return [layout](std::uint32_t) { return zmap_syn(layout); };
  };
  expect_name(name_after(2, made(detail::kZmapWindows)), Tool::zmap, Confidence::high);
  expect_name(name_after(3, made(detail::kZmapBsd)), Tool::zmap, Confidence::medium);
  expect_name(name_after(2, made(detail::kMssAlone)), Tool::none, Confidence::none);
  expect_name(name_after(3, made(detail::kMssAlone)), Tool::zmap, Confidence::low);
}

TEST(ToolMarks, name_unicornscan_by_its_key_in_either_byte_order) {
  std::mt19937 random(8);
  for (const bool swapped : {true, false}) {
    const auto scan = [&](std::uint32_t n) {
      Flow flow = nth(n);
      flow.source_port = static_cast<std::uint16_t>(random());
      flow.target = ip4(10, 77, n & 0xff, 3 * n & 0xff);
      wire::Probe probe = plain_syn(flow);
      const std::uint32_t address = flow.target.v4_value();
      probe.sequence = 0x12345678 ^ (swapped ? __builtin_bswap32(address) : address) ^
                       ((std::uint32_t{flow.target_port} << 16) + flow.source_port);
      return probe;
    };
    expect_name(name_after(2, scan), Tool::none, Confidence::none);
    expect_name(name_after(3, scan), Tool::unicornscan, Confidence::medium);
    expect_name(name_after(20,
                           [&](std::uint32_t n) {
                             wire::Probe probe = scan(n);
                             probe.sequence += n;
                             return probe;
                           }),
                Tool::none, Confidence::none);
  }
}

TEST(ToolMarks, do_not_take_mirai_for_unicornscan) {
  const auto scan = [](std::uint32_t n) {
    Flow flow = kScan;
    flow.target_port = 23;
    flow.target = ip4(203, 0, 113, n);
    wire::Probe probe = plain_syn(flow);
    probe.sequence = flow.target.v4_value();  // which is Unicornscan's formula, with its key 0
    return probe;
  };
  expect_name(name_after(9, scan), Tool::mirai, Confidence::high);
}

TEST(ToolMarks, name_naabu_by_numbers_that_count) {
  const auto scan = [](std::uint32_t step) {
    return [step](std::uint32_t n) {
      wire::Probe probe = nmap_syn(nth(n), n * step);
      probe.ttl = 250;
      return probe;
    };
  };
  expect_name(name_after(4, scan(1)), Tool::naabu, Confidence::high);
  expect_name(name_after(4, scan(50)), Tool::naabu, Confidence::high);  // a part of its targets
  expect_name(name_after(9, scan(65)), Tool::none, Confidence::none);
}

TEST(ToolMarks, name_hping_and_scapy) {
  const auto hping = [](std::uint32_t n) { return hping_syn(nth(n)); };
  expect_name(name_after(1, hping), Tool::hping, Confidence::medium);
  expect_name(name_after(3, hping), Tool::hping, Confidence::high);
  const auto scapy = [](std::uint32_t n) {
    wire::Probe probe = plain_syn(nth(n));
    probe.identification = 1;
    probe.sequence = 0;
    probe.window = 8192;
    return probe;
  };
  expect_name(name_after(3, scapy), Tool::scapy, Confidence::high);
}

TEST(ToolMarks, guess_from_udp_source_ports_only) {
  const auto scan = [](std::uint16_t step, std::uint8_t ttl, std::uint16_t bytes) {
    return [=](std::uint32_t n) {
      Flow flow = nth(n);
      flow.source_port = static_cast<std::uint16_t>(flow.source_port + step * n);
      wire::Probe probe = udp(flow);
      probe.payload_bytes = bytes;
      probe.ttl = ttl;
      return probe;
    };
  };
  expect_name(name_after(4, scan(0, 50, 0)), Tool::nmap, Confidence::low);
  expect_name(name_after(4, scan(0, 250, 30)), Tool::masscan, Confidence::low);
  expect_name(name_after(4, scan(1, 50, 0)), Tool::hping, Confidence::low);
  expect_name(name_after(40, scan(2, 50, 0)), Tool::none, Confidence::none);
  expect_name(name_after(4, scan(0, 50, 30)), Tool::nmap, Confidence::low);
}

TEST(ToolMarks, take_peers_of_one_socket_for_no_tool) {
  const auto peers = [](std::uint8_t traits, bool one_port) {
    return [=](std::uint32_t n) {
      Flow flow = nth(one_port ? 0 : n);
      flow.target = ip4(203, 0, 113, n);
      wire::Probe probe = udp(flow);
      probe.traits = traits;
      return probe;
    };
  };
  expect_name(name_after(40, peers(0, false)), Tool::none, Confidence::none);
  expect_name(name_after(40, peers(0, true)), Tool::none, Confidence::none);
  expect_name(name_after(40, peers(kDontFragment, false)), Tool::none, Confidence::none);
}

TEST(ToolMarks, guess_hping_from_the_source_ports_of_its_other_flags) {
  const auto scan = [](std::uint16_t step, std::uint8_t traits) {
    return [=](std::uint32_t n) {
      Flow flow = nth(n);
      flow.source_port = static_cast<std::uint16_t>(flow.source_port + step * n);
      wire::Probe probe = tcp(flow, kAckFlag);
      probe.window = 512;
      probe.sequence = 0x1234 + n * 0x9e3779b1;
      probe.traits = traits;
      return probe;
    };
  };
  expect_name(name_after(4, scan(1, 0)), Tool::hping, Confidence::low);
  expect_name(name_after(40, scan(1, kDontFragment)), Tool::none, Confidence::none);
  expect_name(name_after(40, scan(2, 0)), Tool::none, Confidence::none);
}

TEST(ToolMarks, survive_ordinary_traffic_in_between) {
  std::mt19937 random(9);
  expect_name(name_after(1000,
                         [&](std::uint32_t n) {
                           if (n % 3 == 0) return nmap_syn(nth(n));
                           wire::Probe probe = plain_syn(nth(n));
                           probe.sequence = static_cast<std::uint32_t>(random());
                           return probe;
                         }),
              Tool::nmap, Confidence::high);
}

TEST(ToolMarks, follow_a_source_that_changes_its_tool) {
  ToolMarks marks;
  for (std::uint32_t n = 0; n < 5; ++n) marks.next(nmap_syn(nth(n)));
  for (std::uint32_t n = 0; n < 5000; ++n) marks.next(masscan_syn(nth(n), n * 0x01000193));
  expect_name(marks.name(), Tool::masscan, Confidence::high);
}

}  // namespace
}  // namespace edgesentry::scan
