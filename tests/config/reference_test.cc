#include "config/reference.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/fields.h"
#include "config/reload_diff.h"
#include "config/sections.h"
#include "config_text.h"

namespace edgesentry::config {
namespace {

TEST(Reference, is_what_stands_in_docs) {
  std::ifstream file(EDGESENTRY_SOURCE_ROOT "/docs/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), reference_markdown())
      << "run: edgesentry config --reference > docs/configuration.md";
}

TEST(Reference, has_every_key) {
  const std::string page = reference_markdown();
  for (const Field& field : fields())
    EXPECT_TRUE(has(page, "| `" + std::string(name_of(field.key)) + "` |")) << field.key;
}

TEST(EffectiveToml, loads_to_the_same_tree) {
  const Config config = load_good_and(R"(
[workers]
count = 2
cores = [4, 5]
[detect]
watched_tcp = "1,11,79"
answer_timeout = "1s500ms"
[networks]
inside = ["192.0.2.0/24"]
[log]
block_command = "/bin/true \"$TARGET$\" \\ \t"
)")
                            .config;
  Config odd = config;
  odd.dpdk.eal_args = {"--log-level=8", "quote \" backslash \\"};
  const Loaded again = load_text(effective_toml(odd), "test.toml");
  EXPECT_TRUE(again.problems.empty()) << again.to_string() << effective_toml(odd);
  EXPECT_TRUE(reload_diff(odd, again.config).empty());
}

TEST(EffectiveToml, has_every_key) {
  const std::string text = effective_toml(load_good_and("").config);
  for (const Field& field : fields())
    EXPECT_TRUE(has("\n" + text, fmt::format("\n{} = ", name_of(field.key)))) << field.key;
}

}  // namespace
}  // namespace edgesentry::config
