// Any text as a pattern file: problems, never an exception; and what is usable has only patterns
// that name themselves and carry payloads.
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "signature/pattern_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace signature = edgesentry::signature;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const signature::PatternFile file = signature::parse_patterns(text, "patterns.toml");
  EDGESENTRY_CHECK(!file.patterns.empty() || !file.problems.empty(), "nothing has a reason");
  for (const auto& problem : file.problems) {
    EDGESENTRY_CHECK(!problem.fault.empty() && !problem.remedy.empty(), "a problem is whole");
    EDGESENTRY_CHECK(problem.file == "patterns.toml", "and says where");
  }
  for (const signature::Pattern& pattern : file.patterns) {
    EDGESENTRY_CHECK(!pattern.id.empty() && !pattern.expression.empty(), "a pattern is whole");
    EDGESENTRY_CHECK(!pattern.matches.empty() && !pattern.spares.empty(), "and can be tried");
    EDGESENTRY_CHECK(!is_login(pattern.kind) || !pattern.any_port, "logins have their ports");
  }
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  constexpr std::string_view kHead = "[[pattern]]\nid = 'one'\nprotocol = 'tcp'\nside = 'client'\n";
  constexpr std::string_view kTail =
      "tool = 't'\nservice = 's'\nseverity = 'low'\ndescription = 'd'\nmatches = "
      "['a\\x00b\\r\\n']\n"
      "spares = ['''it's''', \"\\u00e9\"]\n";
  constexpr std::string_view kMiddles[] = {
      "kind = 'exploit'\nexpression = '^GET [^\\r\\n]{0,9}a'\nflags = ['caseless', 'dotall']\n",
      "kind = 'login-failed'\nexpression = '(?:a|b)+c'\nports = '21,8000-8010'\n",
      "kind = 'scanner'\nexpression = '(?i)\\x00[\\x01-\\xff]b'\nports = ''\n",
      "kind = 7\nexpression = 'a$'\nflags = 1\n[[pattern]]\nid = \"x\"\n",
      "kind.a.b = {c.d = [[[1]]]}\nexpression = 'a*'\n# [[pattern]]\n  [[pattern]]\n"};
  std::vector<Bytes> all;
  for (const std::string_view middle : kMiddles) {
    const std::string text = std::string(kHead) + std::string(middle) + std::string(kTail);
    all.emplace_back(text.begin(), text.end());
  }
  return all;
}
