#include "xdp/assembler.h"

#include <gtest/gtest.h>

namespace edgesentry::xdp {
namespace {

TEST(Assembler, resolves_jumps_over_what_lies_between) {
  Assembler code;
  const Label end = code.label(), middle = code.label();
  code.jump_if_equal(Reg::r1, 7, end);
  code.jump(middle);
  code.move_wide(Reg::r2, 0x1122334455667788u);  // two instructions
  code.place(middle);
  code.move(Reg::r0, 1);
  code.place(end);
  code.exit();
  const auto program = code.finish();
  ASSERT_EQ(program.size(), 6u);
  EXPECT_EQ(program[0].off, 4);
  EXPECT_EQ(program[0].imm, 7);
  EXPECT_EQ(program[1].off, 2);
  EXPECT_EQ(static_cast<std::uint32_t>(program[2].imm), 0x55667788u);
  EXPECT_EQ(static_cast<std::uint32_t>(program[3].imm), 0x11223344u);
  EXPECT_EQ(program[5].code, BPF_JMP | BPF_EXIT);
}

TEST(Assembler, names_a_map_by_its_descriptor) {
  Assembler code;
  code.move_map(Reg::r1, 42);
  const auto program = code.finish();
  ASSERT_EQ(program.size(), 2u);
  EXPECT_EQ(program[0].src_reg, BPF_PSEUDO_MAP_FD);
  EXPECT_EQ(program[0].imm, 42);
  EXPECT_EQ(program[1].imm, 0);
}

TEST(AssemblerDeathTest, refuses_a_label_that_is_nowhere_or_behind) {
  Assembler lost;
  lost.jump(lost.label());
  EXPECT_DEATH(static_cast<void>(lost.finish()), "forward");
  Assembler back;
  const Label start = back.label();
  back.place(start);
  back.jump(start);
  EXPECT_DEATH(static_cast<void>(back.finish()), "forward");
}

}  // namespace
}  // namespace edgesentry::xdp
