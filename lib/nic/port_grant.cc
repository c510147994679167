#include "nic/port_grant.h"

#include <rte_ethdev.h>

#include <array>
#include <span>

namespace edgesentry::nic {
namespace {

struct Word {
  std::uint64_t bit;
  const char* word;
};

constexpr std::array<Word, 14> kRssWords = {{
    {RTE_ETH_RSS_IPV4, "ipv4"},
    {RTE_ETH_RSS_IPV6, "ipv6"},
    {RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP, "tcp"},
    {RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP, "udp"},
    {RTE_ETH_RSS_NONFRAG_IPV4_SCTP | RTE_ETH_RSS_NONFRAG_IPV6_SCTP, "sctp"},
    {RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_FRAG_IPV6, "fragments"},
    {RTE_ETH_RSS_L3_SRC_ONLY, "source_only"},
    {RTE_ETH_RSS_L3_DST_ONLY, "destination_only"},
    {RTE_ETH_RSS_L3_PRE32, "ipv6_prefix_32"},
    {RTE_ETH_RSS_L3_PRE40, "ipv6_prefix_40"},
    {RTE_ETH_RSS_L3_PRE48, "ipv6_prefix_48"},
    {RTE_ETH_RSS_L3_PRE56, "ipv6_prefix_56"},
    {RTE_ETH_RSS_L3_PRE64, "ipv6_prefix_64"},
    {RTE_ETH_RSS_L3_PRE96, "ipv6_prefix_96"},
}};

constexpr std::array<Word, 4> kChecksumWords = {{
    {RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, "ipv4"},
    {RTE_ETH_RX_OFFLOAD_UDP_CKSUM, "udp"},
    {RTE_ETH_RX_OFFLOAD_TCP_CKSUM, "tcp"},
    {RTE_ETH_RX_OFFLOAD_SCTP_CKSUM, "sctp"},
}};

std::vector<std::string> words_of(std::uint64_t bits, std::span<const Word> words) {
  std::vector<std::string> out;
  for (const Word& each : words)
    if ((bits & each.bit) != 0) out.emplace_back(each.word);
  return out;
}

}  // namespace

PortGrant read_grant(const Port& port) {
  PortGrant grant;
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(port.id(), &info) != 0) return grant;
  grant.rx_queues_max = info.max_rx_queues;
  grant.tx_queues_max = info.max_tx_queues;
  grant.rss_offered = words_of(info.flow_type_rss_offloads, kRssWords);
  grant.rx_checksum = words_of(info.rx_offload_capa, kChecksumWords);
  // Without a buffer for it drivers leave the key out.
  rte_eth_rss_conf granted{};
  if (port.rx_queues() > 1 && rte_eth_dev_rss_hash_conf_get(port.id(), &granted) == 0)
    grant.rss = words_of(granted.rss_hf, kRssWords);
  return grant;
}

}  // namespace edgesentry::nic
