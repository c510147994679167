#include "xdp/assembler.h"

#include <limits>

#include "base/check.h"

namespace edgesentry::xdp {

Label Assembler::label() {
  places_.push_back(kNowhere);
  return Label(places_.size() - 1);
}

void Assembler::place(Label label) {
  EDGESENTRY_CHECK(places_[label.number_] == kNowhere, "a label has one place");
  places_[label.number_] = program_.size();
}

void Assembler::emit(unsigned code, Reg to, Reg from, std::int16_t offset, std::int32_t value) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = static_cast<std::uint8_t>(to) & 0xfu;
  made.src_reg = static_cast<std::uint8_t>(from) & 0xfu;
  made.off = offset;
  made.imm = value;
  program_.push_back(made);
}

// Sixteen bytes: the second instruction holds the upper half of the value.
void Assembler::emit_wide(Reg to, std::uint8_t source, std::uint64_t value) {
  emit(BPF_LD | BPF_DW | BPF_IMM, to, static_cast<Reg>(source), 0,
       static_cast<std::int32_t>(static_cast<std::uint32_t>(value)));
  emit(0, Reg::r0, Reg::r0, 0, static_cast<std::int32_t>(static_cast<std::uint32_t>(value >> 32)));
}

void Assembler::move(Reg to, Reg from) {
  emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

void Assembler::move(Reg to, std::int32_t value) {
  emit(BPF_ALU64 | BPF_MOV | BPF_K, to, Reg::r0, 0, value);
}

void Assembler::move_wide(Reg to, std::uint64_t value) {
  emit_wide(to, 0, value);
}

void Assembler::move_map(Reg to, int map_descriptor) {
  emit_wide(to, BPF_PSEUDO_MAP_FD, static_cast<std::uint32_t>(map_descriptor));
}

void Assembler::add(Reg to, std::int32_t value) {
  emit(BPF_ALU64 | BPF_ADD | BPF_K, to, Reg::r0, 0, value);
}

void Assembler::and_with(Reg to, Reg mask) {
  emit(BPF_ALU64 | BPF_AND | BPF_X, to, mask, 0, 0);
}

void Assembler::load(Width width, Reg to, Reg base, std::int16_t offset) {
  emit(BPF_LDX | BPF_MEM | static_cast<unsigned>(width), to, base, offset, 0);
}

void Assembler::store(Width width, Reg base, std::int16_t offset, Reg from) {
  emit(BPF_STX | BPF_MEM | static_cast<unsigned>(width), base, from, offset, 0);
}

void Assembler::store(Width width, Reg base, std::int16_t offset, std::int32_t value) {
  emit(BPF_ST | BPF_MEM | static_cast<unsigned>(width), base, Reg::r0, offset, value);
}

void Assembler::emit_jump(unsigned code, Reg left, Reg right, std::int32_t value, Label to) {
  jumps_.push_back({program_.size(), to.number_});
  emit(BPF_JMP | code, left, right, 0, value);
}

void Assembler::jump(Label to) {
  emit_jump(BPF_JA, Reg::r0, Reg::r0, 0, to);
}

void Assembler::jump_if_equal(Reg left, std::int32_t right, Label to) {
  emit_jump(BPF_JEQ | BPF_K, left, Reg::r0, right, to);
}

void Assembler::jump_if_not_equal(Reg left, std::int32_t right, Label to) {
  emit_jump(BPF_JNE | BPF_K, left, Reg::r0, right, to);
}

void Assembler::jump_if_above(Reg left, Reg right, Label to) {
  emit_jump(BPF_JGT | BPF_X, left, right, 0, to);
}

void Assembler::jump_if_not_below(Reg left, Reg right, Label to) {
  emit_jump(BPF_JGE | BPF_X, left, right, 0, to);
}

void Assembler::call(std::int32_t function) {
  emit(BPF_JMP | BPF_CALL, Reg::r0, Reg::r0, 0, function);
}

void Assembler::exit() {
  emit(BPF_JMP | BPF_EXIT, Reg::r0, Reg::r0, 0, 0);
}

std::vector<bpf_insn> Assembler::finish() const {
  std::vector<bpf_insn> program = program_;
  for (const Jump& jump : jumps_) {
    const std::size_t place = places_[jump.label];
    EDGESENTRY_CHECK(place != kNowhere && place > jump.at, "a jump leads forward to a label");
    const std::size_t over = place - jump.at - 1;
    EDGESENTRY_CHECK(over <= std::size_t{std::numeric_limits<std::int16_t>::max()},
                     "programs are short");
    program[jump.at].off = static_cast<std::int16_t>(over);
  }
  return program;
}

}  // namespace edgesentry::xdp
