// What the pattern file may say, and what is said about one that is wrong.
#include "signature/pattern_file.h"

#include <gtest/gtest.h>

#include "rig.h"
#include "support/scratch.h"

namespace edgesentry::signature {
namespace {

std::string faults_of(const PatternFile& file) {
  std::string text;
  for (const config::Problem& problem : file.problems) text += problem.to_string() + "\n";
  return text;
}

// The valid entry with one thing replaced.
PatternFile with(const std::string& from, const std::string& to) {
  std::string text = text_of({});
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return parse_patterns(text.replace(at, from.size(), to), "p.toml");
}

void expect_fault(const PatternFile& file, const std::string& fault) {
  EXPECT_FALSE(file.usable());
  EXPECT_NE(faults_of(file).find(fault), std::string::npos) << faults_of(file);
}

TEST(PatternFile, reads_every_key) {
  const PatternFile file = parse_patterns(
      text_of({"ftp-x", "^530 ", "login-failed", "server", "21,2121", "any", "'multiline'"}),
      "p.toml");
  ASSERT_TRUE(file.usable()) << faults_of(file);
  const Pattern& pattern = file.patterns[0];
  EXPECT_EQ(pattern.id, "ftp-x");
  EXPECT_EQ(pattern.expression, "^530 ");
  EXPECT_EQ(pattern.kind, Kind::login_failed);
  EXPECT_EQ(pattern.side, Side::server);
  EXPECT_EQ(pattern.transport, Transport::any);
  EXPECT_EQ(pattern.flags, expression_flag::kMultiLine);
  EXPECT_EQ(pattern.severity, Severity::low);
  EXPECT_EQ(pattern.service, "s");
  EXPECT_EQ(pattern.tool, "t");
  EXPECT_FALSE(pattern.takes(22));
  EXPECT_TRUE(pattern.takes(2121));
  EXPECT_EQ(pattern.matches, std::vector<std::string>{"abc"});
  EXPECT_EQ(pattern.spares, std::vector<std::string>{"abd"});
}

TEST(PatternFile, says_all_that_is_wrong_at_once_with_its_line) {
  const std::string text = "# a head\n" + text_of({"bad-regex", "(abc"}) + "[[pattern]]\nid = \n" +
                           text_of({"good"}) + text_of({"good"}) +
                           text_of({"bad-kind", "abc", "x"});
  const PatternFile file = parse_patterns(text, "p.toml");
  EXPECT_EQ(faults_of(file),
            "p.toml:5:14: \"bad-regex\": expression: cannot be compiled: Missing close parenthesis "
            "for group started at index 0. Write what Hyperscan takes: no look-around, no back "
            "references, no end anchor\n"
            "p.toml:17:6: pattern: cannot be read: Error while parsing key-value pair: expected "
            "value, saw '\\n'. Write key = value, with expressions and payloads in single quotes\n"
            "p.toml:32: \"good\" is also the id at line 18. Give each pattern an id of its own\n"
            "p.toml:48:8: \"bad-kind\": kind: is none of its words. Write one of: scanner exploit "
            "login-failed login-attempt login-ok\n");
  EXPECT_EQ(file.patterns.size(), 1u);
}

TEST(PatternFile, refuses_expressions_that_cannot_work) {
  expect_fault(with("'abc'", "'a(?=b)'"), "expression: cannot be compiled");
  expect_fault(with("'abc'", "'(a)\\1'"), "expression: cannot be compiled");
  expect_fault(with("'abc'", "'a*'"), "matches the empty payload");
  expect_fault(with("'abc'", "'abc$'"), "no known end");
  expect_fault(with("'abc'", "'a\\z'"), "no known end");
  expect_fault(with("'abc'", "''"), "expression: is empty");
  expect_fault(with("'abc'", "\"a\\u0000b\""), "zero byte");
  expect_fault(with("'abc'", "'" + std::string(1025, 'a') + "'"), "has 1025 bytes");
}

TEST(PatternFile, refuses_what_does_not_fit_together) {
  expect_fault(with("kind = 'exploit'", "kind = 'login-failed'"), "ports: is empty");
  expect_fault(with("tool = 't'\nservice = 's'", "kindly = 1"), "there is no such key. Did you");
  const std::string scanner = "kind = 'scanner'";
  std::string text = text_of({});
  text.replace(text.find("kind = 'exploit'"), 16, scanner);
  text.replace(text.find("tool = 't'"), 10, "tool = ''");
  expect_fault(parse_patterns(text, "p.toml"), "a scanner has a name");
}

TEST(PatternFile, refuses_wrong_types_words_and_numbers) {
  expect_fault(with("'exploit'", "7"), "kind: is none of its words");
  expect_fault(with("'tcp'", "'sctp'"), "protocol: is none of its words");
  expect_fault(with("flags = []", "flags = 'caseless'"), "flags: is not a list");
  expect_fault(with("flags = []", "flags = ['greedy']"), "there is no such flag");
  expect_fault(with("ports = ''", "ports = '70000'"), "ports: ");
  expect_fault(with("ports = ''", "ports = 21"), "ports: is not a text");
  expect_fault(with("id = 'one'", "id = 'One!'"), "letters that an id has not");
  expect_fault(with("id = 'one'", ""), "id: is missing");
  expect_fault(with("[[pattern]]", "[[pattern]]\n[other]"), "is not one table");
}

TEST(PatternFile, wants_a_payload_that_matches_and_one_that_does_not) {
  expect_fault(with("matches = ['abc']", ""), "matches: is not a list");
  expect_fault(with("spares = ['abd']", "spares = []"), "spares: is not a list");
  expect_fault(with("['abc']", "[7]"), "matches: a payload cannot be read");
  expect_fault(with("['abc']", "['\\q']"), "matches: a payload cannot be read");
  expect_fault(with("['abc']", "['']"), "matches: a payload of 0 bytes");
}

TEST(PatternFile, reads_bytes_in_payloads) {
  std::string bytes;
  EXPECT_TRUE(unescape(R"(\x00\xFfa\r\n\t\\\')", bytes));
  EXPECT_EQ(bytes, std::string("\0\xff"
                               "a\r\n\t\\'",
                               8));
  for (const char* wrong : {"\\", "\\x", "\\x1", "\\xg0", "\\0", "a\\"})
    EXPECT_FALSE(unescape(wrong, bytes)) << wrong;
}

TEST(PatternFile, is_not_harmed_by_what_is_no_pattern_file) {
  expect_fault(parse_patterns("", "p.toml"), "holds no pattern");
  expect_fault(parse_patterns("# nothing\n\n", "p.toml"), "holds no pattern");
  expect_fault(parse_patterns("mode = 'enforce'\n", "p.toml"), "before the first [[pattern]]");
  expect_fault(parse_patterns("[[pattern]]", "p.toml"), "id: is missing");
  expect_fault(parse_patterns(std::string(2 * 1024 * 1024, '#'), "p.toml"), "is larger than");
  expect_fault(parse_patterns("[[pattern]]\n" + std::string(70000, '#'), "p.toml"), "64 KiB");
  expect_fault(load_patterns("/nonexistent/p.toml"), "cannot be opened");
  std::string many;
  for (int i = 0; i < 1100; ++i) many += "[[pattern]]\n";
  expect_fault(parse_patterns(many, "p.toml"), "is the pattern after the 1024th");
}

TEST(PatternFile, does_not_recurse_into_deep_keys) {
  std::string deep = "[[pattern]]\n";
  for (int i = 0; i < 20000; ++i) deep += "a.";
  expect_fault(parse_patterns(deep + "a = 1\n", "p.toml"), "key of too many parts");
  expect_fault(parse_patterns("[[pattern]]\na = " + std::string(20000, '[') + "\n", "p.toml"),
               "cannot be read");
}

TEST(PatternFile, tells_files_apart_by_their_text) {
  const std::string text = text_of({});
  EXPECT_EQ(parse_patterns(text, "a").fingerprint, parse_patterns(text, "b").fingerprint);
  EXPECT_NE(parse_patterns(text, "a").fingerprint, parse_patterns(text + "\n", "a").fingerprint);
}

TEST(PatternFile, refuses_expressions_that_take_minutes_to_compile) {
  expect_fault(with("'abc'", "'a.{1,1001}b'"), "repeats something more than 1000 times");
  expect_fault(with("'abc'", "'a.{4294967297}b'"), "repeats something more than 1000 times");
  expect_fault(with("'abc'", "'(?:a.{900}){9}b'"), "is 8110 bytes wide, 4096 at most");
  EXPECT_TRUE(with("'abc'", "'a.{1,1000}b'").usable());
  EXPECT_TRUE(with("'abc'", "'a{b\\x{21}c'").usable());
}

TEST(Database, names_the_expressions_that_are_too_large) {
  const std::string large = "(?:[ab][^b]{1,3}[bc]?){300}";
  const std::string text = text_of({"small"}) + text_of({"large", large}) + text_of({"big", large});
  const Compiled compiled = compile(parse_patterns(text, "p.toml"));
  EXPECT_EQ(compiled.database, nullptr);
  ASSERT_EQ(compiled.problems.size(), 2u);
  EXPECT_EQ(compiled.problems[0].to_string(),
            "p.toml:15: \"large\": expression: cannot be compiled: Pattern is too large. Write a "
            "simpler expression");
  EXPECT_EQ(compiled.problems[1].key, "\"big\"");
}

TEST(Database, refuses_patterns_that_need_much_memory_for_each_stream) {
  std::string text;
  for (int i = 100; i < 164; ++i) {
    const std::string id = std::to_string(i);
    text += text_of({id, "k" + id + "[xy].{1000}z"});
  }
  const Compiled compiled = compile(parse_patterns(text, "p.toml"));
  EXPECT_EQ(compiled.database, nullptr);
  ASSERT_EQ(compiled.problems.size(), 1u);
  EXPECT_NE(compiled.problems[0].fault.find("bytes for each stream"), std::string::npos);
}

TEST(Database, says_which_payload_it_does_not_find_or_spare) {
  std::string text = text_of({});
  text.replace(text.find("['abc']"), 7, "['abc', 'xyz']");
  text.replace(text.find("['abd']"), 7, "['abd', 'xabcx']");
  const PatternFile file = parse_patterns(text, "p.toml");
  const Compiled compiled = compile(file);
  ASSERT_NE(compiled.database, nullptr);
  const auto problems = verify(file, compiled.database);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].fault, "payload 2 of matches is not found over tcp");
  EXPECT_EQ(problems[1].fault, "payload 2 of spares is found over tcp");
  EXPECT_EQ(problems[0].key, "\"one\"");
}

}  // namespace
}  // namespace edgesentry::signature
