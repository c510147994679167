// What the appliance writes is nothing else that it writes or reads: a database put where a token
// or the configuration itself was would be the end of that. By inode where the files are there, by
// path with its links followed where they are not.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "config/validate.h"

namespace edgesentry::config {
namespace {

namespace fs = std::filesystem;
using Problems = std::vector<Problem>;

enum class Use { read, written };

struct Place {
  std::string key;   // empty: the configuration itself
  std::string what;  // "state.file", or what lies beside it
  std::string path;  // absolute, its links followed
  Use use = Use::read;
  bool is_database = false;  // may be moved aside to PATH.damaged, PATH.damaged.2, ...
  std::optional<std::pair<dev_t, ino_t>> identity;
};

class Places {
 public:
  Places(const Config& config, const Origins& origins) : origins_(origins) {
    add("", "the configuration itself", config.path, Use::read);
    add_key("allow.file", config.allow.file, Use::read);
    add_key("payload.patterns", config.payload.patterns, Use::read);
    add_key("api.tls_certificate", config.api.tls_certificate, Use::read);
    add_key("api.tls_key", config.api.tls_key, Use::read);
    const std::string& command = config.log.block_command;
    add_key("log.block_command", command.substr(0, command.find_first_of(" \t")), Use::read);
    for (std::size_t i = 0; i < config.segments.size(); ++i) {
      add_captures(fmt::format("segment[{}].outside", i), config.segments[i].outside);
      add_captures(fmt::format("segment[{}].inside", i), config.segments[i].inside);
    }
    add_key("log.portsentry_file", config.log.portsentry_file, Use::written);
    add_key("log.json_file", config.log.json_file, Use::written);
    add_key("api.token_file", config.api.token_file, Use::written);
    add_key("api.read_token_file", config.api.read_token_file, Use::written);
    add_key("control.socket", config.control.socket, Use::written);
    add_key("payload.cache", config.payload.cache, Use::written);
    add_state(config.state);
  }
  [[nodiscard]] const std::vector<Place>& all() const noexcept { return all_; }

 private:
  void add_key(const std::string& key, const std::string& path, Use use) {
    if (path.starts_with('/')) add(key, key, path, use);
  }

  // Of net_pcap: "rx_pcap=/in.pcap,tx_pcap=/out.pcap". Several may write one interface.
  void add_captures(const std::string& key, const std::string& device) {
    for (const auto& [word, use] : {std::pair(",rx_pcap=", Use::read), {",tx_pcap=", Use::written}})
      if (const auto at = device.find(word); at != std::string::npos) {
        const std::string path = device.substr(at + std::string_view(word).size());
        add_key(key, path.substr(0, path.find(',')), use);
      }
  }

  void add_state(const State& state) {
    if (!state.file.starts_with('/')) return;
    add_database("state.file", state.file);
    if (state.events_mb == 0) return;
    const fs::path file(state.file);
    const std::string events = file.stem().string() + "-events" + file.extension().string();
    add_database("state.file's events", (file.parent_path() / events).string());
  }

  void add_database(const std::string& what, const std::string& path) {
    add("state.file", what, path, Use::written);
    if (all_.empty() || all_.back().what != what) return;  // spoiled
    all_.back().is_database = true;
    for (const char* ending : {"-wal", "-shm", "-journal"})
      add("state.file", fmt::format("{} ({})", what, ending), path + ending, Use::written);
  }

  void add(const std::string& key, std::string what, const std::string& path, Use use) {
    if (path.empty() || (!key.empty() && origins_.is_spoiled(key))) return;
    std::error_code fault;
    fs::path whole = fs::weakly_canonical(fs::absolute(path, fault), fault);
    if (fault) whole = fs::path(path).lexically_normal();
    struct stat found {};
    Place place{key, std::move(what), whole.string(), use, false, {}};
    if (::stat(path.c_str(), &found) == 0) {
      if (S_ISCHR(found.st_mode)) return;  // /dev/null holds nothing that could be lost
      place.identity = {found.st_dev, found.st_ino};
    }
    all_.push_back(std::move(place));
  }

  const Origins& origins_;
  std::vector<Place> all_;
};

bool takes_the_name_of(const Place& database, const Place& other) {
  return database.is_database && other.path.starts_with(database.path + ".damaged");
}

bool is_same(const Place& a, const Place& b) {
  return a.path == b.path || (a.identity && a.identity == b.identity);
}

bool is_clash(const Place& a, const Place& b) {
  if (a.use == Use::read && b.use == Use::read) return false;
  return is_same(a, b) || takes_the_name_of(a, b) || takes_the_name_of(b, a);
}

std::string fault_of(const Place& one, const Place& other) {
  if (!is_same(one, other))
    return takes_the_name_of(one, other)
               ? "would be moved aside, when it is damaged, to the name of " + other.what
               : "is where " + other.what + " would be moved aside when it is damaged";
  if (one.what == one.key) return "is the same file as " + other.what;
  return fmt::format("needs {} beside it, which is the same file as {}", one.path, other.what);
}

void check_clashes(const Config& config, const Origins& origins, Problems& problems) {
  const Places places(config, origins);
  std::vector<std::pair<std::string, std::string>> said;
  for (std::size_t i = 0; i < places.all().size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const Place* blamed = &places.all()[i];
      const Place* other = &places.all()[j];
      if (blamed->key == other->key || !is_clash(*blamed, *other)) continue;
      // Only what the file says can be mended there.
      if (!origins.gives(blamed->key) && origins.gives(other->key)) std::swap(blamed, other);
      const std::pair<std::string, std::string> pair(blamed->key, other->key);
      if (std::ranges::find(said, pair) != said.end()) continue;
      said.push_back(pair);
      problems.push_back(about(origins, blamed->key, fault_of(*blamed, *other),
                               "Name a file that nothing else uses"));
    }
}

// The start does without such a file, as it does without a disk; it may be another one by then.
void check_state_kind(const Config& config, const Origins& origins, Problems& problems) {
  const std::string& file = config.state.file;
  struct stat found {};
  if (!origins.gives("state.file") || !file.starts_with('/') || ::stat(file.c_str(), &found) != 0 ||
      S_ISREG(found.st_mode))
    return;
  Problem problem =
      about(origins, "state.file",
            file + (S_ISDIR(found.st_mode) ? " is a folder" : " is not a regular file") +
                ", so that blocks would be kept in memory only",
            "Name the file of the database, for example file = \"/var/lib/edgesentry/state.db\"");
  problem.fatal = false;
  problems.push_back(std::move(problem));
}

}  // namespace

void validate_paths(const Config& config, const Origins& origins, Problems& problems) {
  if (origins.is_spoiled("")) return;
  check_state_kind(config, origins, problems);
  check_clashes(config, origins, problems);
}

}  // namespace edgesentry::config
