#include "config/reference.h"

#include <fmt/format.h>

#include "config/fields.h"
#include "config/render.h"
#include "config/sections.h"

namespace edgesentry::config {
namespace {

constexpr std::string_view kOpening = R"(# Configuration

`/etc/edgesentry/edgesentry.toml`, in [TOML](https://toml.io/en/v1.0.0). This page is printed by
`edgesentry config --reference`; `edgesentry config --defaults` prints a whole file with every key,
`edgesentry config --effective` what a given file amounts to.

`edgesentry check FILE` finds everything that is wrong with a file and names line, column, key and
remedy for each fault. It exits with 78 when there is one, with 0 when there is none. Keys that do
not exist are faults too. What `edgesentryd` starts with all the same is a warning, and leaves the
exit code at 0, unless `--strict` is given.

## How values are written

| Type | Written |
|---|---|
| true or false | `true`, `false`, without quotes |
| whole number | `4`, `16_384` |
| count | a whole number, or `"64k"`, `"16M"`, `"1G"` in powers of 1024 |
| probability | `0.01`, `1e-3` |
| duration | `"500ms"`, `"10m"`, `"1h30m"`, `"7d"`: units `w d h m s ms`, from large to small |
| ports | `"1-1813,3389"`: ports and inclusive ranges |
| network | `"10.0.0.0/24"`, `"2001:db8::/32"`, or one address; bits below the mask are ignored |
| service | `"192.0.2.10 tcp 80,443"`: an address or network; `tcp`, `udp` or `sctp`; ports |
| text | in quotes |

Where a key says *reload*, `edgesentry reload` and SIGHUP take a new value at once. Where it says
*restart*, a reload names the key and keeps the old value until the next start. A file with a fault
changes nothing.
)";

constexpr std::string_view kDevices = R"(
A device is a kernel interface (`"eth1"`: read and written through the kernel with `net_af_packet`),
a PCI address (`"0000:03:00.0"`: bound to a DPDK driver), or a DPDK vdev with its arguments
(`"net_af_packet0,iface=eth1,qpairs=2"`). No device may stand twice.
)";

constexpr std::string_view kIgnoreFile = R"(
The file has an address or a network on each line, as PortSentry's `portsentry.ignore`: `10.9.0.2`,
`10.9.0.0/24`, `10.9.0.0/255.255.255.0`, `2001:db8::/48`; `#` begins a comment. Bits below the mask
are ignored, `0.0.0.0/0` allows all of IPv4. A line that cannot be read is left out and reported
with its number, and all others are in force.
)";

constexpr std::string_view kListen = R"(
IPv4 and plain HTTP only: the web server library under prometheus-cpp (civetweb 1.15 in Debian) is
built without IPv6, and ends the process at the first TLS request. Listen on 127.0.0.1, and where
metrics must cross a network put a proxy in front.
)";

std::string_view note_of(std::string_view section) {
  if (section == "segment") return kDevices;
  if (section == "allow") return kIgnoreFile;
  if (section == "metrics") return kListen;
  return {};
}

std::string heading(std::string_view section) {
  if (section.empty()) return "Top";
  return section == "segment" ? "[[segment]]" : fmt::format("[{}]", section);
}

// A pipe would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string row(const Field& field, const Config& defaults) {
  std::string range = range_words(field);
  if (!range.empty() && !field.unit.empty()) range += fmt::format(" {}", field.unit);
  const bool is_required = section_of(field.key) == "segment";
  const std::string normal =
      is_required ? "none" : fmt::format("`{}`", render_value(field, defaults, nullptr));
  return fmt::format("| `{}` | {} | {} | {} | {} | {} | `{}` |\n", name_of(field.key),
                     cell(type_words(field)), range, normal, field.restart ? "restart" : "reload",
                     cell(field.help), field.example);
}

std::string assignment(const Field& field, const Config& config, const Segment* segment) {
  return fmt::format("{} = {}\n", name_of(field.key), render_value(field, config, segment));
}

std::string all_keys_of(std::string_view section, const Config& config, const Segment* segment) {
  std::string text;
  for (const Field& field : fields())
    if (section_of(field.key) == section) text += assignment(field, config, segment);
  return text;
}

// What a file needs at least and has no default for.
std::string commented_segment() {
  std::string text = "\n# [[segment]]\n";
  for (const Field& field : fields())
    if (section_of(field.key) == "segment")
      text += fmt::format("# {} = {}\n", name_of(field.key), field.example);
  return text;
}

}  // namespace

std::string reference_markdown() {
  const Config defaults;
  std::string page(kOpening);
  for (const Section& section : sections()) {
    page += fmt::format("\n## {}\n\n{}\n\n", heading(section.name), section.help);
    page += "| Key | Type | Range | Default | Change | What it does | Example |\n";
    page += "|---|---|---|---|---|---|---|\n";
    for (const Field& field : fields())
      if (section_of(field.key) == section.name) page += row(field, defaults);
    page += note_of(section.name);
  }
  return page;
}

std::string effective_toml(const Config& config) {
  std::string text;
  for (const Section& section : sections()) {
    if (section.name == "segment") {
      if (config.segments.empty()) text += commented_segment();
      for (const Segment& segment : config.segments)
        text += "\n[[segment]]\n" + all_keys_of("segment", config, &segment);
      continue;
    }
    if (!section.name.empty()) text += fmt::format("\n[{}]\n", section.name);
    text += all_keys_of(section.name, config, nullptr);
  }
  return text;
}

}  // namespace edgesentry::config
