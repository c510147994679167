#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "config/document.h"
#include "config/fields.h"
#include "config/origins.h"
#include "config/read_file.h"
#include "config/render.h"
#include "config/sections.h"
#include "config/suggest.h"
#include "config/validate.h"
#include "config/value.h"

namespace edgesentry::config {
namespace {

constexpr std::size_t kFileBytesMax = 1024 * 1024;

std::string joined(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

bool is_section(std::string_view name) {
  return !name.empty() &&
         std::ranges::any_of(sections(), [&](const Section& s) { return s.name == name; });
}

std::string remedy_for_unknown(std::string_view section, std::string_view name) {
  if (section == "metrics" && (name.starts_with("tls") || name.starts_with("ssl") ||
                               name.starts_with("cert") || name.starts_with("https")))
    return "The metrics server has no TLS, because the web server library under it crashes with "
           "it: "
           "listen on 127.0.0.1 and put a proxy in front";
  if (section == "detect" && name == "failures")
    return "The sequential test is set by probabilities: five failures are false_positive = 1e-3, "
           "nine are 1e-5; detection, benign_success and scanner_success belong to it";
  std::vector<std::string_view> siblings, same_name;
  for (const Field& field : fields()) {
    if (section_of(field.key) == section) siblings.push_back(name_of(field.key));
    if (name_of(field.key) == name) same_name.push_back(field.key);
  }
  if (const auto near = nearest(name, siblings); !near.empty())
    return fmt::format("Did you mean {}?", near);
  if (!same_name.empty() && section_of(same_name[0]).empty())
    return fmt::format("{} belongs before the first [section]", name);
  if (same_name.size() == 1)
    return fmt::format("{} belongs below [{}]", name, section_of(same_name[0]));
  std::string known;
  for (const std::string_view sibling : siblings) known += fmt::format(" {}", sibling);
  return fmt::format("{} has:{}", section.empty() ? "The top" : fmt::format("[{}]", section),
                     known);
}

std::string remedy_for_unknown_section(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Section& section : sections())
    if (!section.name.empty()) names.push_back(section.name);
  if (const auto near = nearest(name, names); !near.empty())
    return fmt::format("Did you mean {}?",
                       near == "segment" ? "[[segment]]" : fmt::format("[{}]", near));
  std::string known;
  for (const std::string_view each : names) known += fmt::format(" {}", each);
  return "The sections are:" + known;
}

// Walks the parsed tree against the table of fields.
class TreeReader {
 public:
  TreeReader(Loaded& loaded, Origins& origins) : loaded_(loaded), origins_(origins) {}

  void read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string_view name = key.str();
      if (name == "segment") {
        read_segments(key, node);
      } else if (is_section(name)) {
        read_section(key, node);
      } else if (const Field* field = find_field(name); field != nullptr) {
        read_field(*field, std::string(name), key, node);
      } else if (node.is_table() || node.is_array_of_tables()) {
        say(std::string(name), key.source().begin, "there is no such section",
            remedy_for_unknown_section(name));
      } else {
        say(std::string(name), key.source().begin, "there is no such key",
            remedy_for_unknown("", name));
      }
    }
  }

 private:
  void read_section(const toml::key& key, const toml::node& node) {
    const std::string section(key.str());
    note(section, key.source().begin);
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      origins_.spoiled.insert(section);
      say(section, key.source().begin, "is a section, and there is one of it",
          fmt::format("Write [{}], and its keys below it", section));
      return;
    }
    read_keys(*table, section, section, nullptr);
  }

  void read_segments(const toml::key& key, const toml::node& node) {
    const toml::array* list = node.as_array();
    const bool is_list = list != nullptr && std::ranges::all_of(*list, [](const toml::node& each) {
                           return each.is_table();
                         });
    if (!is_list) {
      origins_.spoiled.insert("segment");
      say("segment", key.source().begin, "is not a list of tables",
          "Write [[segment]] in double brackets, once for each wire");
      return;
    }
    for (const toml::node& each : *list) {
      const std::string path = fmt::format("segment[{}]", loaded_.config.segments.size());
      note(path, each.source().begin);
      read_keys(*each.as_table(), "segment", path, &loaded_.config.segments.emplace_back());
    }
  }

  // `section` names rows of the table, `path` names keys in messages.
  void read_keys(const toml::table& table, std::string_view section, const std::string& path,
                 Segment* segment) {
    for (const auto& [key, node] : table) {
      const Field* field = find_field(joined(section, key.str()));
      const std::string full = joined(path, key.str());
      if (field == nullptr) {
        say(full, key.source().begin, "there is no such key",
            remedy_for_unknown(section, key.str()));
        continue;
      }
      read_field(*field, full, key, node, segment);
    }
  }

  void read_field(const Field& field, const std::string& path, const toml::key& key,
                  const toml::node& node, Segment* segment = nullptr) {
    note(path, key.source().begin);
    for (Complaint& complaint : set_value(field, node, loaded_.config, segment)) {
      origins_.spoiled.insert(path);
      say(path, complaint.at, std::move(complaint.fault), std::move(complaint.remedy));
    }
  }

  void note(const std::string& path, const toml::source_position& where) {
    origins_.at[path] = {where.line, where.column};
  }

  void say(std::string path, const toml::source_position& where, std::string fault,
           std::string remedy) {
    loaded_.problems.push_back({origins_.file, where.line, where.column, printable(path),
                                std::move(fault), std::move(remedy)});
  }

  Loaded& loaded_;
  Origins& origins_;
};

Problem not_text(const std::string& name) {
  Problem problem;
  problem.file = name;
  problem.fault = "is not a text file: it holds zero bytes";
  problem.remedy = "Give the path of an edgesentry.toml, saved as UTF-8";
  return problem;
}

void resolve_paths(Config& config) {
  for (std::string* named : {&config.allow.file, &config.payload.patterns}) {
    const std::filesystem::path file(*named);
    if (!named->empty() && file.is_relative())
      *named = (std::filesystem::path(config.path).parent_path() / file).string();
  }
}

}  // namespace

bool Loaded::usable() const {
  return std::ranges::none_of(problems, [](const Problem& problem) { return problem.fatal; });
}

std::size_t Loaded::warnings() const {
  return static_cast<std::size_t>(std::ranges::count(problems, false, &Problem::fatal));
}

std::string Loaded::to_string() const {
  std::string text;
  for (const Problem& problem : problems) text += problem.to_line() + '\n';
  return text;
}

Loaded load_file(const std::string& path) {
  FileText file = read_file(path, kFileBytesMax);
  if (file.problem) {
    Loaded loaded;
    loaded.config.path = path;
    loaded.problems.push_back(std::move(*file.problem));
    return loaded;
  }
  return load_text(file.text, path);
}

Loaded load_text(std::string_view text, const std::string& name) {
  Loaded loaded;
  loaded.config.path = name;
  if (text.find('\0') != std::string_view::npos) {
    loaded.problems.push_back(not_text(name));
    return loaded;
  }
  Document document = parse_document(text, name);
  loaded.problems = std::move(document.problems);
  Origins origins{name, {}, std::move(document.spoiled)};
  TreeReader(loaded, origins).read(document.root);
  resolve_paths(loaded.config);
  validate(loaded.config, origins, loaded.problems);
  put_in_order(loaded.problems);
  return loaded;
}

}  // namespace edgesentry::config
