#include "machine/tree.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/folder.h"

namespace edgesentry::machine {
namespace {

TEST(Tree, has_nothing_where_there_is_nothing) {
  const Folder folder;
  const Tree tree(folder.root());
  EXPECT_FALSE(tree.text("/sys/nothing").has_value());
  EXPECT_FALSE(tree.number("/sys/nothing").has_value());
  EXPECT_FALSE(tree.line("/").has_value()) << "a folder is no file";
  EXPECT_FALSE(tree.link("/sys/nothing").has_value());
  EXPECT_TRUE(tree.names("/sys/nothing").empty());
}

TEST(Tree, takes_no_garbage_for_a_number) {
  Folder folder;
  folder.put("/a", " 42 \n").put("/b", "42x").put("/c", "").put("/d", "-1\n");
  folder.put("/e", "99999999999999999999").put("/f", std::string("1\0 2", 4));
  const Tree tree(folder.root());
  EXPECT_EQ(tree.number("/a"), 42);
  EXPECT_FALSE(tree.number("/b").has_value());
  EXPECT_FALSE(tree.number("/c").has_value());
  EXPECT_EQ(tree.number("/d"), -1);
  EXPECT_FALSE(tree.number("/e").has_value());
  EXPECT_FALSE(tree.number("/f").has_value());
}

TEST(Tree, reads_no_more_than_its_bound_and_waits_for_no_pipe) {
  Folder folder;
  folder.put("/huge", std::string(Tree::kTextMax * 2, 'x'));
  ASSERT_EQ(::mkfifo((folder.root() + "/pipe").c_str(), 0600), 0);
  const Tree tree(folder.root());
  EXPECT_EQ(tree.text("/huge")->size(), Tree::kTextMax);
  EXPECT_EQ(tree.text("/pipe").value_or(""), "");
}

TEST(Tree, lets_no_control_character_through_in_a_line) {
  Folder folder;
  folder.put("/a", "\x1b[2Jred\x80\nsecond");
  EXPECT_EQ(Tree(folder.root()).line("/a"), "?[2Jred?");
}

TEST(ValueOf, finds_a_key_at_the_beginning_of_a_line_only) {
  constexpr std::string_view kText = "xMemFree: 1\nMemFree:   22 kB\nprocessor\t: 3\nnr 5\nMem";
  EXPECT_EQ(value_of(kText, "MemFree"), "22 kB");
  EXPECT_EQ(value_of(kText, "processor"), "3");
  EXPECT_EQ(value_of(kText, "nr"), "5");
  EXPECT_EQ(value_of(kText, "Mem"), "");
  EXPECT_EQ(value_of("", "Mem"), "");
}

}  // namespace
}  // namespace edgesentry::machine
